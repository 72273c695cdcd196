// Arrays from the server: see src/latentspace/web/frames.py, which writes them.

export type Numbers = Float32Array | Uint8Array | Uint16Array | Uint32Array | Int32Array;

export interface Frame<Header> {
  header: Header;
  arrays: Record<string, { data: Numbers; shape: number[] }>;
}

const KINDS = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array } as const;

interface Listed {
  name: string;
  dtype: keyof typeof KINDS;
  shape: number[];
}

const aligned = (at: number): number => (at + 7) & ~7;

/** Reads a frame without copying: the arrays are views of its bytes. */
export function unpack<Header>(bytes: ArrayBuffer): Frame<Header> {
  if (bytes.byteLength < 4) throw new Error("the server's answer is no frame: it is shorter than 4 bytes");
  const length = new DataView(bytes).getUint32(0, true);
  const { arrays: listed, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as {
    arrays: Listed[];
  };
  const arrays: Frame<Header>["arrays"] = {};
  let at = aligned(4 + length);
  for (const { name, dtype, shape } of listed) {
    const kind = KINDS[dtype];
    const count = shape.reduce((product, edge) => product * edge, 1);
    arrays[name] = { data: new kind(bytes, at, count), shape };
    at = aligned(at + count * kind.BYTES_PER_ELEMENT);
  }
  return { header: header as Header, arrays };
}

/** One array of a frame as float32; an error where the frame lacks it. */
export function floats<Header>(frame: Frame<Header>, name: string): Float32Array {
  const found = frame.arrays[name]?.data;
  if (!(found instanceof Float32Array)) throw new Error(`the server's answer has no numbers named ${name}`);
  return found;
}
