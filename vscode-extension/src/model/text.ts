/** Rows and what is below them as indented text, for the clipboard. */

import { CaptureEnded, type Capture } from "./capture";
import { statusOf } from "./findings";
import { count, findingTitle, fullPlace, labelOf, summaryOf } from "./labels";
import type { Row } from "./row";
import type { Outline } from "./rows";
import type { Session } from "./store";

/** Most rows side by side whose stacks are asked for together. */
const TOGETHER = 100;

const NONE: Promise<Row[]> = Promise.resolve([]);

/** The user does not want the text any more. */
export class Cancelled extends Error {
  constructor() {
    super("It was cancelled.");
    this.name = "Cancelled";
  }
}

/** Whoever waits for a text. */
export interface Reader {
  /** Called with the number of stacks that the text has so far. */
  progress(stacks: number): void;
  isCancelled(): boolean;
}

export interface Text {
  readonly text: string;
  /** How many stacks it has. */
  readonly stacks: number;
}

/**
 * What is below the rows, with folded frames left folded, and the tasks of each task group listed once.
 *
 * @throws CaptureEnded if the program went on before all was read
 * @throws Cancelled
 */
export async function textOf(rows: readonly Row[], outline: Outline, reader?: Reader): Promise<Text> {
  const writer = new Writer(outline, reader);
  for (const row of rows) {
    if (row.kind === "activity" || row.kind === "group" || row.kind === "loop" || row.kind === "bucket")
      await loadAll(row.capture);
  }
  await writer.rows(rows, 0);
  return writer;
}

/** All stacks of the sessions that have been looked at, below a header for each; throws as `textOf` does. */
export async function textOfSessions(sessions: readonly Session[], outline: Outline, reader?: Reader): Promise<Text> {
  const writer = new Writer(outline, reader);
  for (const session of sessions) {
    const { capture } = session;
    if (!capture) continue;
    await loadAll(capture);
    const rows = await outline.children({ kind: "session", id: session.id, parent: undefined, session });
    writer.header(await headerOf(session, capture, outline.options().filter));
    await writer.rows(rows, 0);
    capture.check();
  }
  return writer;
}

/** Why the programs of the sessions do not go on: the findings with their steps and stacks; throws as `textOf` does. */
export async function textOfWhy(sessions: readonly Session[], outline: Outline): Promise<Text> {
  const writer = new Writer(outline, undefined);
  for (const session of sessions) {
    const { capture } = session;
    if (!capture) continue;
    await loadAll(capture);
    writer.header([...(await headerOf(session, capture, "")), statusOf([capture])]);
    const rows = await outline.children({ kind: "session", id: session.id, parent: undefined, session });
    const findings = rows.filter((row) => row.kind === "finding");
    if (findings.length === 0) writer.text += "Nothing is known to be stuck or to have failed.\n";
    for (const [index, row] of findings.entries()) {
      writer.text += `${index > 0 ? "\n" : ""}${findingTitle(row.finding)}: ${row.finding.text}\n\n`;
      await writer.rows(await outline.children(row), 0);
    }
    capture.check();
  }
  return writer;
}

/** As far as that is possible: a row will say what is wrong, and how much is missing. */
async function loadAll(capture: Capture): Promise<void> {
  try {
    await capture.loadAll();
  } catch (error) {
    if (error instanceof CaptureEnded) throw error;
  }
}

class Writer implements Text {
  text = "";
  stacks = 0;
  /** Identifiers of the activities that have been listed in task groups. */
  readonly #listed = new Set<string>();

  constructor(
    private readonly outline: Outline,
    private readonly reader: Reader | undefined,
  ) {}

  /** Begin with another session. */
  header(lines: readonly string[]): void {
    this.#listed.clear();
    this.text += `${this.text === "" ? "" : "\n"}${lines.join("\n")}\n\n`;
  }

  async rows(rows: readonly Row[], depth: number): Promise<void> {
    for (let start = 0; start < rows.length; start += TOGETHER) {
      const some = rows.slice(start, start + TOGETHER);
      // All at once, so that the stacks of many tasks are asked for together.
      const below = await Promise.all(some.map((row) => (isOpened(row, depth) ? this.outline.children(row) : NONE)));
      for (const [index, row] of some.entries()) await this.#row(row, below[index] ?? [], depth);
    }
  }

  async #row(row: Row, below: readonly Row[], depth: number): Promise<void> {
    if (this.reader?.isCancelled() === true) throw new Cancelled();
    if ("capture" in row) row.capture.check();
    const address = row.kind === "context" ? row.context.manager?.address : undefined;
    // The full address says more than the short one.
    const { label, spoken } = labelOf(row.kind === "context" ? { ...row, isAmbiguous: false } : row);
    const words = row.kind === "error" ? "" : spoken; // nobody clicks on a text
    this.#line(label, [words, address].filter((part) => part !== undefined && part !== "").join(" · "), depth);
    if (hasStack(row, depth) && below[0]?.kind !== "error") {
      this.stacks += 1;
      this.reader?.progress(this.stacks);
    }
    const members = below.flatMap((child) => groupMember(child) ?? []);
    const again = new Set(members.filter((id) => this.#listed.has(id)));
    for (const id of members) this.#listed.add(id);
    const fresh = below.filter((child) => !again.has(groupMember(child) ?? ""));
    await this.rows(fresh, depth + 1);
    if (again.size > 0) this.#line(`${count(again.size, "task")}, listed above`, "", depth + 1);
  }

  #line(label: string, description: string, depth: number): void {
    this.text += `${"  ".repeat(depth)}${label}${description === "" ? "" : `  (${description})`}\n`;
  }
}

/** The activity, if the row is one of a task group. */
function groupMember(row: Row): string | undefined {
  if (row.kind !== "activity") return undefined;
  const owner = row.parent?.kind === "group" ? row.parent.parent : row.parent;
  return owner?.kind === "context" ? row.activity.info.id : undefined;
}

/** Tasks of groups are listed only: their stacks stand elsewhere, if they are not what was asked for. */
function isOpened(row: Row, depth: number): boolean {
  if (row.kind === "step") return depth === 0;
  return row.kind !== "hidden" && (depth === 0 || groupMember(row) === undefined);
}

function hasStack(row: Row, depth: number): boolean {
  return row.kind === "threadStack" || (row.kind === "activity" && row.members === 0 && isOpened(row, depth));
}

/** What the program is, where it stands, and when. */
async function headerOf(session: Session, capture: Capture, filter: string): Promise<string[]> {
  const lines = [`Async stacks of ${session.name()}`];
  try {
    const { python, processId } = await session.helper.ready();
    lines.push(`${python.implementation} ${python.version} on ${python.platform}, process ${processId}`);
  } catch {
    // A row will say what is wrong.
  }
  if (session.saved) {
    const { info } = session.saved;
    lines.push(`From a snapshot file, saved by ${info.origin}: ${info.how}`, info.moment);
    return [...lines, summaryOf([capture], filter)];
  }
  lines.push(capture.live ? "Running, seen without pausing" : pauseOf(session, capture));
  // In local time, without what depends on the language.
  const { takenAt } = capture;
  const local = new Date(takenAt.getTime() - takenAt.getTimezoneOffset() * 60_000);
  lines.push(local.toISOString().slice(0, 19).replace("T", " "));
  return [...lines, summaryOf([capture], filter)];
}

function pauseOf({ stop }: Session, capture: Capture): string {
  const paused = stop.reason === undefined ? "Paused" : `Paused (${stop.reason})`;
  const thread = [...capture.activities].find(
    ({ info }) => info.kind === "thread" && info.dapThreadId !== undefined && info.dapThreadId === stop.threadId,
  );
  const top = thread?.info.top;
  return thread && top ? `${paused} in ${top.name}, ${fullPlace(top.location, thread.sources)}` : paused;
}
