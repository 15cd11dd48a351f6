/** Snapshot files, which may come from anywhere, as programs that answer requests. */

import {
  CONFIGURE,
  HANDSHAKE,
  MAX_PAGE,
  PROTOCOL_VERSION,
  SNAPSHOT,
  STACKS,
  VARYING,
  type ActivityInfo,
  type ActivityKind,
  type ActivityState,
  type CountInfo,
  type FindingInfo,
  type Handshake,
  type Location,
  type PythonInfo,
  type SnapshotArguments,
  type SnapshotResponse,
  type SourceRef,
  type StackShape,
  type StacksArguments,
  type StacksResponse,
} from "../protocol";
import { problemOf } from "./checking";
import { FORMAT, VERSION } from "./document";

/** Larger files (bytes) are not read. */
export const MAX_SIZE = 256_000_000;
/** How many parts all stacks may have together, and how many of them may stand inside each other. */
const MAX_PARTS = 10_000_000;
const MAX_NESTING = 60;

/** Asks for the lines of a source, by its path: those that the file has, by their numbers. */
export const LINES = "lines";

const KINDS: readonly string[] = ["thread", "task", "greenlet", "coroutine", "generator", "async_generator"];
const STATES: readonly string[] = ["created", "running", "ready", "suspended", "cancelling", "done", "unknown"];
const FINDINGS: readonly string[] = ["deadlock", "starved", "blocked_loop", "abandoned", "never_awaited", "failed"];
const varying: ReadonlySet<string> = new Set(VARYING);

/** A file is no snapshot that can be shown; the message says why. */
export class DocumentError extends Error {}

/** What a file is, for people. */
export interface SavedInfo {
  /** When the snapshot was taken, in milliseconds since 1970. */
  readonly time: number;
  /** Such as "2026-11-28 10:15:58 UTC". */
  readonly moment: string;
  /** Such as "asynctb 0.1.0, pay.py". */
  readonly origin: string;
  /** Such as "paused (breakpoint) in charge, /srv/pay.py:31". */
  readonly how: string;
}

type SavedActivity = ActivityInfo & {
  readonly stack?: { readonly shape: number; readonly values: readonly string[] };
  readonly stackError?: string;
};

interface Document {
  readonly writer: string;
  readonly time: string;
  readonly program: { readonly processId: number; readonly name?: string; readonly instance?: string };
  readonly python: PythonInfo;
  readonly contexts: string;
  readonly paused: boolean;
  readonly stop?: { readonly reason?: string; readonly frame?: { readonly name: string; readonly location: Location } };
  readonly notes: readonly string[];
  readonly sources: readonly (SourceRef & { readonly lines: Readonly<Record<string, string>> })[];
  readonly shapes: readonly StackShape[];
  readonly activities: readonly SavedActivity[];
  readonly findings: readonly FindingInfo[];
}

/** The snapshot in a text: of several, each in a line of its own, the last. */
export function parseDocument(text: string): SavedSnapshot {
  const content = text.replace(/^\ufeff/, "").trim();
  if (content === "") throw new DocumentError("it is empty");
  try {
    return new SavedSnapshot(checked(parse(content)));
  } catch (error) {
    if (error instanceof RangeError) throw new DocumentError("it is nested too deeply");
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    const last = text.slice(text.lastIndexOf("\n") + 1);
    if (last !== text && last.startsWith("{")) {
      try {
        return JSON.parse(last);
      } catch {
        // Then it is not several ones.
      }
    }
    const looksRight = text.slice(0, 200).includes(FORMAT);
    throw new DocumentError(looksRight ? "it is damaged or incomplete" : "it is no snapshot of asynctb: no JSON");
  }
}

function checked(value: unknown): Document {
  const { format, version } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (format !== FORMAT) throw new DocumentError("it is no snapshot of asynctb");
  if (typeof version === "number" && version > VERSION) {
    throw new DocumentError(
      `it was written by a newer asynctb, in version ${version} of the format, and this one reads version ${VERSION}: ` +
        "update the extension",
    );
  }
  const wrong = problemOf(value) ?? inconsistency(value as Document);
  if (wrong !== undefined) throw new DocumentError(`it is damaged: ${wrong}`);
  return value as Document;
}

/** What a schema cannot say: that references lead somewhere, and that the whole fits into memory. */
function inconsistency(document: Document): string | undefined {
  const sizes: Size[] = [];
  for (const shape of document.shapes) {
    const size = measure(shape, document.sources.length);
    if (typeof size === "string") return size;
    sizes.push(size);
  }
  const seen = new Set<string>();
  let parts = 0;
  for (const { id, stack } of document.activities) {
    if (seen.has(id)) return "two activities have the same id";
    seen.add(id);
    if (!stack) continue;
    const size = sizes[stack.shape];
    if (!size || size.lastValue >= stack.values.length) return "a stack refers to what is not there";
    parts += size.parts;
  }
  if (parts > MAX_PARTS) return "its stacks are too large to be shown";
  const others = measure([document.findings, document.stop, document.activities], document.sources.length);
  return typeof others === "string" ? others : undefined;
}

interface Size {
  /** How many objects it is made of. */
  readonly parts: number;
  /** The largest index into the values, or -1. */
  readonly lastValue: number;
}

function measure(whole: unknown, sources: number): Size | string {
  let parts = 0;
  let lastValue = -1;
  const pending: [unknown, number][] = [[whole, 0]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [each, above] = next;
    if (typeof each !== "object" || each === null) continue;
    let nesting = above;
    if (!Array.isArray(each)) {
      parts += 1;
      if ("frames" in each || "phase" in each) nesting += 1;
      if (nesting > MAX_NESTING) return "its stacks are nested too deeply";
      const { location } = each as { location?: Location };
      if (location && location.source >= sources) return "a location refers to a source that is not there";
    }
    for (const [key, item] of Object.entries(each)) {
      if (varying.has(key) && typeof item === "number") lastValue = Math.max(lastValue, item);
      else pending.push([item, nesting]);
    }
  }
  return { parts, lastValue };
}

/** Answers the requests of a view from a document. */
export class SavedSnapshot {
  readonly #sources: readonly SourceRef[];
  readonly #byId: ReadonlyMap<string, SavedActivity>;
  readonly #infos: readonly ActivityInfo[];
  readonly #findings: readonly FindingInfo[];

  constructor(private readonly document: Document) {
    this.#sources = document.sources.map(({ name, path }) => ({
      ...(name !== undefined && { name }),
      ...(path !== undefined && { path }),
    }));
    this.#byId = new Map(document.activities.map((each) => [each.id, each]));
    const threads = new Set(document.activities.filter(({ kind }) => kind === "thread").map(({ id }) => id));
    this.#infos = document.activities.map((each) => infoOf(each, threads));
    // Others come from a later version, of which there are no words here.
    this.#findings = document.findings.filter(({ kind }) => FINDINGS.includes(kind));
  }

  get info(): SavedInfo {
    const { time, writer, program, paused, stop } = this.document;
    const frame = stop?.frame;
    const source = frame && this.#sources[frame.location.source];
    const place = frame && ` in ${frame.name}, ${source?.path ?? source?.name ?? "?"}:${frame.location.line ?? "?"}`;
    return {
      time: Date.parse(time) || 0,
      moment: `${time.slice(0, 19).replace("T", " ")} UTC`,
      origin: writer + (program.name === undefined ? "" : `, ${program.name}`),
      how: paused ? `paused${stop?.reason === undefined ? "" : ` (${stop.reason})`}${place ?? ""}` : "running",
    };
  }

  /** The body of the response to a request. */
  answer(command: string, args: object): unknown {
    switch (command) {
      case HANDSHAKE:
        return this.#handshake();
      case SNAPSHOT:
        return this.#snapshot(args);
      case STACKS:
        return this.#stacks(args as StacksArguments);
      case LINES:
        return this.#lines((args as { path: string }).path);
      case CONFIGURE:
        return args;
      default:
        return {};
    }
  }

  #handshake(): Handshake {
    const { writer, python, program, contexts } = this.document;
    return {
      protocolVersion: PROTOCOL_VERSION,
      helperVersion: writer.slice(writer.lastIndexOf(" ") + 1),
      helperKey: "",
      python,
      processId: program.processId,
      ...(program.instance !== undefined && { instance: program.instance }),
      capabilities: {},
      contexts,
      notes: [],
    };
  }

  #snapshot({ start = 0, count = MAX_PAGE }: SnapshotArguments): SnapshotResponse {
    const { paused, notes } = this.document;
    const isFirst = start === 0;
    return {
      snapshotId: 0,
      total: this.#infos.length,
      start,
      activities: this.#infos.slice(start, start + count),
      sources: [...this.#sources],
      paused,
      notes: [...notes],
      findings: isFirst ? [...this.#findings] : [],
      ...(isFirst && { counts: this.#counts() }),
    };
  }

  #counts(): CountInfo[] {
    const counts = new Map<string, CountInfo>();
    for (const { kind, threadId } of this.#infos) {
      const thread = kind === "thread" || threadId === undefined ? {} : { threadId };
      const key = `${kind} ${thread.threadId ?? ""}`;
      counts.set(key, { kind, ...thread, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }

  #stacks({ snapshotId, activityIds }: StacksArguments): StacksResponse {
    const indexes = new Map<number, number>();
    const shapes: StackShape[] = [];
    const stacks = activityIds.map((activityId) => {
      const { stack, stackError = "it has none" } = this.#byId.get(activityId) ?? {};
      const shape = stack && this.document.shapes[stack.shape];
      if (!stack || !shape) {
        return { activityId, error: { id: 0, format: stackError, showUser: false, code: "unknownActivity" as const } };
      }
      let index = indexes.get(stack.shape);
      if (index === undefined) indexes.set(stack.shape, (index = shapes.push(shape) - 1));
      return { activityId, shape: index, values: [...stack.values] };
    });
    return { snapshotId, stacks, shapes, sources: [...this.#sources] };
  }

  #lines(path: string): Readonly<Record<string, string>> {
    return Object.assign(
      {},
      ...this.document.sources.filter((each) => each.path === path).map(({ lines }) => lines),
    ) as Readonly<Record<string, string>>;
  }
}

/** An activity in the words that there are here, and where it can be seen. */
function infoOf(activity: SavedActivity, threads: ReadonlySet<string>): ActivityInfo {
  const fields = Object.entries(activity).filter(([key]) => key !== "stack" && key !== "stackError");
  const info = Object.fromEntries(fields) as unknown as ActivityInfo;
  const kind: ActivityKind = KINDS.includes(info.kind) ? info.kind : "task";
  const state: ActivityState = STATES.includes(info.state) ? info.state : "unknown";
  if (!threads.has(info.threadId ?? "")) delete info.threadId;
  return { ...info, kind, state };
}
