/** Which lines of a file activities are suspended at. */

import type { Activity, Capture } from "./capture";
import { sourceOf } from "./rows";

export interface SuspendedLine {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly activities: readonly Activity[];
  /** Whether no others can stand there: everything is loaded. */
  readonly complete: boolean;
}

/** The lines where activities of the pictures stand, by path. Threads are left out: the Call Stack shows them. */
export function suspendedLines(captures: readonly Capture[]): Map<string, SuspendedLine[]> {
  const complete = captures.every((capture) => capture.complete);
  const found = new Map<string, Map<number, Activity[]>>();
  for (const capture of captures) {
    for (const activity of capture.activities) {
      const { kind, state } = activity.info;
      const top = activity.info.top;
      if (kind === "thread" || state === "running" || state === "done" || top?.location.line === undefined) continue;
      const path = sourceOf(top.location, activity.sources)?.path;
      if (path === undefined) continue;
      const lines = entry(found, path, () => new Map<number, Activity[]>());
      entry(lines, top.location.line, () => []).push(activity);
    }
  }
  const result = new Map<string, SuspendedLine[]>();
  for (const [path, lines] of found) {
    result.set(
      path,
      [...lines].map(([line, activities]) => ({ path, line, activities, complete })),
    );
  }
  return result;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
