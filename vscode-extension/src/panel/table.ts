/** From what is known of the programs to the rows of the table. */

import type { Activity, Capture } from "../model/capture";
import { troubles } from "../model/findings";
import { nameIn, place } from "../model/labels";
import { newsOf } from "../model/news";
import { sourceOf } from "../model/rows";
import type { Session } from "../model/store";
import type { ActivityInfo, Location, SourceRef } from "../protocol";
import { COLUMNS, type Column, type Rows, type TaskRow } from "./messages";

/** How many rows go into one message: to make and pass it on takes a few milliseconds. */
const ROWS_PER_MESSAGE = 1000;

/** How many of the holders of a semaphore are named. */
const MOST_HOLDERS = 3;

export function keyOf(session: Session, activityId: string): string {
  return `${session.id} ${activityId}`;
}

/** What a key stands for, if it is there still. */
export function findByKey(sessions: readonly Session[], key: string): [Capture, Activity] | undefined {
  for (const session of sessions) {
    const { capture } = session;
    const prefix = keyOf(session, "");
    const activity = key.startsWith(prefix) ? capture?.activity(key.slice(prefix.length)) : undefined;
    if (capture && activity) return [capture, activity];
  }
  return undefined;
}

/** All rows, a part at a time, so that nobody has to wait for them. */
export function* tableOf(sessions: readonly Session[]): Generator<Rows> {
  let rows: TaskRow[] = [];
  let paths = new Map<string, number>();
  let isFirst = true;
  const part = (isLast: boolean): Rows => {
    const made: Rows = { type: "rows", isFirst, isLast, rows, paths: [...paths.keys()] };
    rows = [];
    paths = new Map();
    isFirst = false;
    return made;
  };
  for (const session of sessions) {
    const { capture } = session;
    if (!capture) continue;
    const known = { session, capture, wrong: troubles(capture), crowded: crowdedThreads(capture) };
    for (const activity of capture.activities) {
      if (rows.length === ROWS_PER_MESSAGE) yield part(false);
      rows.push(rowOf(known, activity, paths));
    }
  }
  yield part(true);
}

/** What is the same for all rows of a picture. */
interface Known {
  readonly session: Session;
  readonly capture: Capture;
  readonly wrong: ReturnType<typeof troubles>;
  readonly crowded: ReadonlySet<string>;
}

function rowOf(known: Known, activity: Activity, paths: Map<string, number>): TaskRow {
  const { session, capture, wrong } = known;
  const { info, sources } = activity;
  const trouble = wrong.get(info.id);
  const path = info.top && sourceOf(info.top.location, sources)?.path;
  if (path !== undefined && !paths.has(path)) paths.set(path, paths.size);
  const number = path === undefined ? undefined : paths.get(path);
  const isBad = info.failure !== undefined || trouble?.isFact === true;
  const tone = isBad ? "error" : trouble && "warning";
  const news = newsOf(activity, capture.before);
  const holders = info.waitsFor?.holders?.map(({ activityId }) => keyOf(session, activityId));
  const cells: Readonly<Record<Column, string>> = {
    session: session.name(),
    name: info.name,
    state: stateOf(info, trouble?.words),
    wait: info.waitsFor?.description ?? "",
    holder: holdersOf(info, nameIn(capture)),
    function: info.top?.name ?? "",
    file: info.top ? place(info.top.location, sources) : "",
    framework: info.framework,
    group: groupOf(info, known),
    created: info.createdAt ? placed(info.createdAt, sources) : "",
  };
  return {
    key: keyOf(session, info.id),
    cells: COLUMNS.map((column) => cells[column]),
    ...(number !== undefined && { path: number }),
    ...(tone && { tone }),
    ...(news && { news }),
    ...(holders && holders.length > 0 && { holders }),
  };
}

function stateOf({ state, failure }: ActivityInfo, trouble: string | undefined): string {
  if (failure !== undefined) return `failed with ${failure}`;
  return trouble ?? state;
}

function holdersOf({ id, waitsFor }: ActivityInfo, nameOf: (id: string) => string): string {
  const holders = waitsFor?.holders ?? [];
  const names = holders
    .slice(0, MOST_HOLDERS)
    .map((each) => (each.activityId === id ? "itself" : nameOf(each.activityId)));
  const more = holders.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more.toLocaleString("en-US")} more` : ""}`;
}

/** The task that it belongs to, or else its thread, with its loop if that runs several. */
function groupOf({ kind, parentId, threadId, loopId }: ActivityInfo, { capture, crowded }: Known): string {
  const nameOf = nameIn(capture);
  if (parentId !== undefined && parentId !== threadId) return nameOf(parentId);
  if (threadId === undefined || kind === "thread") return "";
  return loopId !== undefined && crowded.has(threadId) ? `${nameOf(threadId)} · ${loopId}` : nameOf(threadId);
}

/** Threads that run several event loops. */
function crowdedThreads(capture: Capture): ReadonlySet<string> {
  const loops = new Map<string, string>();
  const crowded = new Set<string>();
  for (const { info } of capture.activities) {
    const { threadId, loopId } = info;
    if (threadId === undefined || loopId === undefined) continue;
    if ((loops.get(threadId) ?? loopId) !== loopId) crowded.add(threadId);
    loops.set(threadId, loopId);
  }
  return crowded;
}

function placed({ name, location }: { name: string; location: Location }, sources: readonly SourceRef[]): string {
  return `${name} ${place(location, sources)}`;
}
