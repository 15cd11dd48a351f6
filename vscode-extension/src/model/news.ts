/** What has changed since the last stop. */

import type { FindingInfo } from "../protocol";
import type { Activity, Capture } from "./capture";

/** Where each activity stood, by identifier. */
export interface Before {
  readonly places: ReadonlyMap<string, string>;
  readonly activities: ReadonlyMap<string, Activity>;
  /** The names that they had. */
  readonly nameOf: (id: string) => string;
  readonly findings: readonly FindingInfo[];
  readonly takenAt: Date;
  /** Whether these are all that there were. */
  readonly complete: boolean;
}

export type News = "new" | "moved";

export function beforeOf(capture: Capture): Before {
  const places = new Map<string, string>();
  const activities = new Map<string, Activity>();
  for (const activity of capture.activities) {
    places.set(activity.info.id, placeIn(activity));
    activities.set(activity.info.id, activity);
  }
  const { complete, takenAt, findings } = capture;
  return { places, activities, nameOf: (id) => activities.get(id)?.info.name ?? id, findings, takenAt, complete };
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
