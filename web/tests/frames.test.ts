import { describe, expect, it } from "vitest";
import { floats, unpack } from "../src/frames";

/** A frame as the server writes it. */
function packed(
  header: object,
  parts: { name: string; dtype: string; shape: number[]; bytes: Uint8Array }[],
): ArrayBuffer {
  const listed = parts.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const head = new TextEncoder().encode(JSON.stringify({ ...header, arrays: listed }));
  const blocks = [
    new Uint8Array([head.length & 255, head.length >> 8, 0, 0, ...head]),
    ...parts.map(({ bytes }) => bytes),
  ];
  const padded = blocks.map((block) => [...block, ...new Array((8 - (block.length % 8)) % 8).fill(0)]);
  return new Uint8Array(padded.flat()).buffer;
}

describe("frames", () => {
  it("give back arrays and header", () => {
    const xy = new Float32Array([1, 2, 3, 4]);
    const codes = new Uint16Array([7, 65535, 9]);
    const frame = unpack<{ labels: string[] }>(
      packed({ labels: ["ä", "b"] }, [
        { name: "codes", dtype: "u2", shape: [3], bytes: new Uint8Array(codes.buffer) },
        { name: "xy", dtype: "f4", shape: [2, 2], bytes: new Uint8Array(xy.buffer) },
      ]),
    );
    expect(frame.header.labels).toEqual(["ä", "b"]);
    expect([...(frame.arrays.codes?.data ?? [])]).toEqual([7, 65535, 9]);
    expect([...floats(frame, "xy")]).toEqual([1, 2, 3, 4]);
  });

  it("refuse what is too short, and a missing array", () => {
    expect(() => unpack(new ArrayBuffer(2))).toThrow("no frame");
    expect(() => floats(unpack(packed({}, [])), "xy")).toThrow("xy");
  });
});
