/** A picture as the text of a snapshot file (docs/snapshot-format.md), as other programs read it. */

import {
  VARYING,
  type ActivityStack,
  type Handshake,
  type Location,
  type SourceRef,
  type StackShape,
  type StacksResponse,
} from "../protocol";
import { Breath } from "./breath";
import type { Activity, Capture } from "./capture";
import type { Files } from "./source";
import type { Stop } from "./store";

export const FORMAT = "asynctb snapshot";
export const VERSION = 1;

/** Longer lines of source are not recorded, and of longer statements only so many lines. */
const LONGEST_LINE = 1000;
const MOST_LINES = 20;

const STACKS_PER_REQUEST = 100;
/** How many activities or stacks are in one piece of the text. */
const PIECE = 100;

/** What means something only to the session that it comes from. */
const OF_SESSION: ReadonlySet<string> = new Set(["frameId", "dapThreadId"]);
const varying: ReadonlySet<string> = new Set(VARYING);

interface RecordedSource {
  name?: string;
  path?: string;
  lines: Record<string, string>;
}

interface StackFields {
  readonly stack?: { readonly shape: number; readonly values: readonly string[] };
  readonly stackError?: string;
}

/**
 * Load all of a picture, and return the text of the document in pieces.
 *
 * @param stop what the debugger held the program for
 * @throws CaptureEnded if the program goes on meanwhile
 */
export async function documentOf(capture: Capture, stop: Stop, files: Files): Promise<string[]> {
  const breath = new Breath();
  await capture.loadAll();
  const handshake = await capture.helper.ready();
  capture.check();
  const sources = new SourceTable();
  const stacks = await new Stacks(capture, sources, breath).load();
  const activities: string[] = [];
  for (const activity of capture.activities) {
    const { info, sources: known } = activity;
    const copied = sources.copied(info, known) as object;
    activities.push(JSON.stringify({ ...copied, ...stacks.fields.get(info.id) }));
    await breath.take();
  }
  const findings = sources.copied(capture.findings, capture.findingSources);
  const head = headOf(capture, handshake, stop, stacks, sources);
  const recorded: string[] = [];
  for (const source of await sources.recorded(files)) {
    recorded.push(JSON.stringify(source));
    await breath.take();
  }
  return [
    JSON.stringify(head).slice(0, -1),
    ',"sources":[\n',
    ...joined(recorded),
    '],"shapes":[\n',
    ...joined(stacks.shapes),
    '],"activities":[\n',
    ...joined(activities),
    '],"findings":',
    JSON.stringify(findings),
    "}\n",
  ];
}

/** The texts with what separates them, in pieces of some size. */
function joined(texts: readonly string[]): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < texts.length; start += PIECE) {
    const end = start + PIECE < texts.length ? ",\n" : "";
    pieces.push(texts.slice(start, start + PIECE).join(",\n") + end);
  }
  return pieces;
}

function headOf(capture: Capture, handshake: Handshake, stop: Stop, stacks: Stacks, sources: SourceTable): object {
  const { processId, instance, python, contexts, helperVersion } = handshake;
  const name = stacks.programName;
  return {
    format: FORMAT,
    version: VERSION,
    writer: `asynctb ${helperVersion}`,
    time: capture.takenAt.toISOString().replace("Z", "+00:00"),
    program: { processId, ...(name !== undefined && { name }), ...(instance !== undefined && { instance }) },
    python,
    contexts,
    paused: !capture.live,
    ...(!capture.live && { stop: stopOf(capture, stop, sources) }),
    notes: [...new Set([...handshake.notes, ...capture.notes])],
  };
}

function stopOf(capture: Capture, { reason, threadId }: Stop, sources: SourceTable): object {
  const held = capture.roots.find(({ info }) => info.dapThreadId !== undefined && info.dapThreadId === threadId);
  const frame = held && (held.info.innermost ?? held.info.top);
  return {
    ...(reason !== undefined && { reason }),
    ...(frame && { frame: { name: frame.name, location: sources.located(frame.location, held.sources) } }),
  };
}

/** The stacks of all activities, each shape once. */
class Stacks {
  readonly shapes: string[] = [];
  readonly fields = new Map<string, StackFields>();
  /** Name of the file that the first thread runs as a module. */
  programName: string | undefined;
  readonly #indexes = new Map<string, number>();

  constructor(
    private readonly capture: Capture,
    private readonly sources: SourceTable,
    private readonly breath: Breath,
  ) {}

  async load(): Promise<this> {
    const { capture } = this;
    const { helper, snapshotId = 0 } = capture;
    const all: Activity[] = [...capture.activities];
    for (let start = 0; start < all.length; start += STACKS_PER_REQUEST) {
      let missing = all.slice(start, start + STACKS_PER_REQUEST).map(({ info }) => info.id);
      while (missing.length > 0) {
        const answer = await helper.stacks({ snapshotId, activityIds: missing, frameIds: false });
        capture.check();
        await this.#add(answer);
        const answered = new Set(answer.stacks.map(({ activityId }) => activityId));
        if (answered.size === 0) {
          for (const id of missing) this.fields.set(id, { stackError: "it could not be read in time" });
          break;
        }
        missing = missing.filter((id) => !answered.has(id));
      }
    }
    return this;
  }

  async #add(answer: StacksResponse): Promise<void> {
    const indexes = new Map<number, number>();
    for (const entry of answer.stacks) {
      this.fields.set(entry.activityId, this.#fieldsOf(entry, answer, indexes));
      await this.breath.take();
    }
  }

  #fieldsOf(entry: ActivityStack, answer: StacksResponse, indexes: Map<number, number>): StackFields {
    const shape = entry.shape === undefined ? undefined : answer.shapes[entry.shape];
    if (entry.shape === undefined || !shape) return { stackError: entry.error?.format ?? "It has no stack." };
    let index = indexes.get(entry.shape);
    if (index === undefined) {
      index = this.#indexOf(shape, answer.sources);
      indexes.set(entry.shape, index);
    }
    if (this.fields.size === 0) this.programName = programName(shape, answer.sources);
    return { stack: { shape: index, values: (entry.values ?? []).map(String) } };
  }

  #indexOf(shape: StackShape, sources: readonly SourceRef[]): number {
    const text = JSON.stringify(this.sources.copied(shape, sources));
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.shapes.push(text) - 1;
      this.#indexes.set(text, index);
    }
    return index;
  }
}

function programName({ frames }: StackShape, sources: readonly SourceRef[]): string | undefined {
  const frame = frames.filter(({ name, hidden }) => name === "<module>" && hidden !== true).at(-1);
  return frame && sources[frame.location.source]?.name;
}

/** The sources of a document, each once, with the lines that are referred to. */
class SourceTable {
  readonly #sources: { readonly source: RecordedSource; readonly lines: Set<number>; readonly path?: string }[] = [];
  readonly #indexes = new Map<string, number>();

  /** A copy of a part of an answer, with locations that refer to the sources of the document. */
  copied(value: unknown, sources: readonly SourceRef[]): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.copied(item, sources));
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (OF_SESSION.has(key)) continue;
      copy[key] =
        key === "location"
          ? this.located(item as Location, sources)
          : varying.has(key)
            ? item
            : this.copied(item, sources);
    }
    return copy;
  }

  located(location: Location, sources: readonly SourceRef[]): Location {
    const { name, path, sourceReference = 0 } = sources[location.source] ?? {};
    const key = JSON.stringify([path, name, sourceReference]);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      const source = { ...(name !== undefined && { name }), ...(path !== undefined && { path }), lines: {} };
      // What the debugger alone has is in no file of that name.
      const isFile = path !== undefined && sourceReference === 0;
      index = this.#sources.push({ source, lines: new Set(), ...(isFile && { path }) }) - 1;
      this.#indexes.set(key, index);
    }
    const { line, endLine = line } = location;
    if (line !== undefined && endLine !== undefined) {
      const last = Math.min(endLine, line + MOST_LINES - 1);
      for (let each = line; each <= last; each++) this.#sources[index]?.lines.add(each);
    }
    return { ...location, source: index };
  }

  async recorded(files: Files): Promise<RecordedSource[]> {
    for (const { source, lines, path } of this.#sources) {
      if (path === undefined) continue;
      const text = await files.lines(path);
      for (const each of [...lines].sort((a, b) => a - b)) {
        const line = text[each - 1];
        if (line !== undefined && line.length <= LONGEST_LINE) source.lines[String(each)] = line;
      }
    }
    return this.#sources.map(({ source }) => source);
  }
}
