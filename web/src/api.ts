// Every request that the page makes. Paths are relative, so nothing but its own server is ever asked.

import { type Frame, unpack } from "./frames";
import { answered, file, isStill } from "./still";

export type Shown = "picture" | "sound" | "text" | "row";
export type ColumnKind = "category" | "number" | "boolean" | "text";

export interface Space {
  number: number;
  name: string;
  kind: string;
  items: number;
  dims: number;
  model: string;
  maps: string[];
  methods: string[];
  metrics: string[];
  columns: { name: string; kind: ColumnKind }[];
  version?: string; // of its items: rows are of one version
  can: {
    decode: boolean;
    sample: boolean;
    pictures: Shown;
    recommend?: boolean;
    encode?: { files: string[]; text: boolean };
    spots?: string[];
  };
  dimensions?: number;
}

export interface Honesty {
  trustworthiness: number | null;
  continuity: number | null;
  neighbours_kept: number | null;
  k: number;
  measured: number;
  n: number;
  stability?: number; // where other maps were drawn by other seeds
  moved?: number;
  seeds?: number;
}

export interface Item {
  row: number;
  id: string;
  metadata: Record<string, string | number | boolean | null>;
  latent: number[];
}

export interface Condition {
  column: string;
  among?: (string | number | boolean | null)[];
  low?: number | null;
  high?: number | null;
  contains?: string;
}

export interface Job {
  job: number;
  what: string;
  state: "waiting" | "running" | "done" | "failed" | "stopped";
  message: string;
  share?: number | null; // of the present step, 0 to 1
  eta?: number | null; // seconds
  seconds: number;
}

/** What the server says went wrong, in its own words. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** The version of each space that this page's rows are of. */
const versions = new Map<string, string>();
export const holdVersions = (spaces: Space[]): void => {
  for (const { number, version } of spaces) if (version) versions.set(String(number), version);
};
const versionFor = (path: string): string | undefined => versions.get(/^\/spaces\/(\d+)\//.exec(path)?.[1] ?? "");

/** What is done where a space was changed by another process: rows that are held mean other items now. */
let outdated = (): void => {};
export const whenOutdated = (act: () => void): void => {
  outdated = act;
};

/** The headers that say which version of a space a request is about. */
export const versioned = (path: string): Record<string, string> => {
  const version = versionFor(path);
  return version ? { "x-space-version": version } : {};
};

async function asked(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string> | undefined), ...versioned(path) };
  const answer = isStill()
    ? await answered(path, typeof init.body === "string" ? JSON.parse(init.body) : undefined)
    : await fetch(`./api${path}`, { credentials: "same-origin", ...init, headers });
  if (answer.ok) return answer;
  if (answer.status === 409) outdated();
  const facts = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  throw new Refused(String(facts.error ?? `the server answered ${answer.status}`), answer.status, facts);
}

const posted = (body: unknown, signal?: AbortSignal): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
  ...(signal ? { signal } : {}),
});

export async function json<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init = body === undefined ? (signal ? { signal } : {}) : posted(body, signal);
  return (await asked(path, init)).json() as Promise<T>;
}

export async function frame<Header>(path: string, body?: unknown): Promise<Frame<Header>> {
  return unpack<Header>(await (await asked(path, body === undefined ? {} : posted(body))).arrayBuffer());
}

/** Takes something away; answers with what is left. */
export const deleted = async <T>(path: string): Promise<T> =>
  (await asked(path, { method: "DELETE" })).json() as Promise<T>;

/** A picture, a sound or a file, with the answer's headers. */
export async function blob(
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<{ blob: Blob; headers: Headers }> {
  const answer = await asked(path, body === undefined ? {} : posted(body, signal));
  return { blob: await answer.blob(), headers: answer.headers };
}

/** Where a picture or a sound is. */
export const address = (path: string): string => {
  const version = versionFor(path);
  return isStill() ? file(path) : `./api${path}${version ? `?v=${version}` : ""}`;
};

/** Asks for a job to end early. */
export const stop = (job: Job): Promise<Response> => asked(`/jobs/${job.job}`, { method: "DELETE" });

/** Waits for a job to end; throws what it failed with. */
export async function ended(job: Job, told: (job: Job) => void = () => {}): Promise<void> {
  let now = job;
  while (now.state === "waiting" || now.state === "running") {
    told(now);
    await new Promise((resume) => setTimeout(resume, 400));
    now = await json<Job>(`/jobs/${now.job}`);
  }
  if (now.state === "failed") throw new Refused(now.message, 500);
  if (now.state === "stopped") throw new Refused(`stopped: ${now.what}`, 409);
}
