/** What has changed since the last stop. */

import type { Activity, Capture } from "./capture";

/** Where each activity stood, by identifier. */
export interface Before {
  readonly places: ReadonlyMap<string, string>;
  /** Whether these are all that there were. */
  readonly complete: boolean;
}

export type News = "new" | "moved";

export function beforeOf(capture: Capture): Before {
  const places = new Map<string, string>();
  for (const activity of capture.activities) places.set(activity.info.id, placeIn(activity));
  return { places, complete: capture.complete };
}

/** Whether an activity was not there at the last stop, or has gone on since; undefined if neither, or unknown. */
export function newsOf(activity: Activity, before: Before | undefined): News | undefined {
  if (!before || activity.info.kind === "thread") return undefined;
  const place = before.places.get(activity.info.id);
  if (place === undefined) return before.complete ? "new" : undefined;
  return place === placeIn(activity) ? undefined : "moved";
}

function placeIn({ info, sources }: Activity): string {
  const { state, waitsFor, failure, top } = info;
  const path = top && sources[top.location.source]?.path;
  return JSON.stringify([state, waitsFor?.description, failure, top?.name, path, top?.location.line]);
}
