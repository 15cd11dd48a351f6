/** Who has to do with an activity: whom it waits for, who waits for it, and whom it belongs to. */

import type { Activity, Capture } from "./capture";

export const DIRECTIONS = ["holder", "awaited", "awaiter", "parent"] as const;

/**
 * `holder`: has what the activity waits for. `awaited`: can end its wait. `awaiter`: waits for it, or for what it holds.
 * `parent`: the task that it belongs to.
 */
export type Direction = (typeof DIRECTIONS)[number];

interface Awaiters {
  readonly loaded: number;
  readonly byId: ReadonlyMap<string, readonly Activity[]>;
}

const known = new WeakMap<Capture, Awaiters>();

/** The activities in a direction, as far as they are loaded; itself, where it waits for what it holds, too. */
export function relatives(capture: Capture, activity: Activity, direction: Direction): readonly Activity[] {
  const { id, waitsFor, parentId } = activity.info;
  const find = (ids: readonly string[]): Activity[] => ids.flatMap((each) => capture.activity(each) ?? []);
  switch (direction) {
    case "holder":
      return find((waitsFor?.holders ?? []).map((holder) => holder.activityId));
    case "awaited": {
      const holders = new Set((waitsFor?.holders ?? []).map((holder) => holder.activityId));
      return find((waitsFor?.activityIds ?? []).filter((each) => !holders.has(each)));
    }
    case "awaiter":
      return awaiters(capture).get(id) ?? [];
    case "parent":
      return find(parentId === undefined ? [] : [parentId]).filter(({ info }) => info.kind !== "thread");
  }
}

function awaiters(capture: Capture): Awaiters["byId"] {
  const before = known.get(capture);
  if (before?.loaded === capture.loaded) return before.byId;
  const byId = new Map<string, Activity[]>();
  for (const activity of capture.activities) {
    const { activityIds = [], holders = [] } = activity.info.waitsFor ?? {};
    for (const id of new Set([...activityIds, ...holders.map((holder) => holder.activityId)])) {
      const found = byId.get(id);
      if (found) found.push(activity);
      else byId.set(id, [activity]);
    }
  }
  known.set(capture, { loaded: capture.loaded, byId });
  return byId;
}
