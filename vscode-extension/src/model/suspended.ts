/** Which lines of a file activities are suspended at. */

import type { Activity, Capture } from "./capture";
import { sourceOf } from "./rows";

export interface Suspended {
  readonly capture: Capture;
  readonly activity: Activity;
}

export interface SuspendedLine {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly suspended: readonly Suspended[];
  /** Whether no others can stand there: everything is loaded. */
  readonly complete: boolean;
}

/** The lines where activities of the pictures stand, by path. Threads are left out: the Call Stack shows them. */
export function suspendedLines(captures: readonly Capture[]): Map<string, SuspendedLine[]> {
  const complete = captures.every((capture) => capture.complete);
  const found = new Map<string, Map<number, Suspended[]>>();
  for (const capture of captures) {
    for (const activity of capture.activities) {
      const { kind, state } = activity.info;
      const top = activity.info.top;
      if (kind === "thread" || state === "running" || state === "done" || top?.location.line === undefined) continue;
      const path = sourceOf(top.location, activity.sources)?.path;
      if (path === undefined) continue;
      const lines = entry(found, path, () => new Map<number, Suspended[]>());
      entry(lines, top.location.line, () => []).push({ capture, activity });
    }
  }
  const result = new Map<string, SuspendedLine[]>();
  for (const [path, lines] of found) {
    result.set(
      path,
      [...lines].map(([line, suspended]) => ({ path, line, suspended, complete })),
    );
  }
  return result;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
