/** The ways in which activities can be arranged. */

import type { Activity, Capture } from "./capture";
import { relatives } from "./relatives";
import { stuck } from "./findings";

export const ARRANGEMENTS = ["tree", "stacks", "states", "waits"] as const;

/** `tree`: by what they belong to. `stacks`: identical ones together. `states`, `waits`: what they are, or wait for. */
export type Arrangement = (typeof ARRANGEMENTS)[number];

/** From how many activities on identical stacks stand together, unless something else is wanted. */
const MANY = 200;

export function arrangementOf(wanted: Arrangement | "auto", capture: Capture): Arrangement {
  if (wanted !== "auto") return wanted;
  return capture.total > MANY ? "stacks" : "tree";
}

interface Family {
  readonly loaded: number;
  readonly parents: ReadonlyMap<Activity, Activity>;
  readonly children: ReadonlyMap<Activity, readonly Activity[]>;
}

const families = new WeakMap<Capture, Family>();

/** The activities right under one; of a thread, those that belong to no other task of it. */
export function childrenOf(capture: Capture, parent: Activity): readonly Activity[] {
  const { parents, children } = family(capture);
  if (parent.info.kind !== "thread") return children.get(parent) ?? [];
  return capture.members(parent.info.id).filter((member) => !parents.has(member));
}

/** Whether an activity stands somewhere under another one in the tree. */
export function isUnder(capture: Capture, activity: Activity, ancestor: Activity): boolean {
  if (ancestor.info.kind === "thread") return activity.info.threadId === ancestor.info.id;
  const { parents } = family(capture);
  for (let above = parents.get(activity); above; above = parents.get(above)) if (above === ancestor) return true;
  return false;
}

/** Who is whose parent, as far as they are loaded, run in one thread, and do not belong to each other in a circle. */
function family(capture: Capture): Family {
  const before = families.get(capture);
  if (before?.loaded === capture.loaded) return before;
  const parents = new Map<Activity, Activity>();
  for (const activity of capture.activities) {
    const [parent] = relatives(capture, activity, "parent");
    if (parent && parent !== activity && parent.info.threadId === activity.info.threadId) parents.set(activity, parent);
  }
  const settled = new Set<Activity>();
  for (const activity of [...parents.keys()]) {
    const path = new Set<Activity>();
    let current: Activity | undefined = activity;
    while (current && !settled.has(current)) {
      if (path.has(current)) {
        parents.delete(current);
        break;
      }
      path.add(current);
      current = parents.get(current);
    }
    for (const each of path) settled.add(each);
  }
  const children = new Map<Activity, Activity[]>();
  for (const [activity, parent] of parents) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(activity);
    else children.set(parent, [activity]);
  }
  const result = { loaded: capture.loaded, parents, children };
  families.set(capture, result);
  return result;
}

/** Activities that have something in common. */
export interface Bucket {
  readonly key: string;
  readonly title: string;
  readonly detail: string;
  readonly isBad: boolean;
  readonly activities: readonly Activity[];
  /** Those of them that hold what the others wait for. */
  readonly holders?: readonly Activity[];
}

const STATES = ["failed", "stuck", "running", "ready", "cancelling", "created", "suspended", "done", "unknown"];

/** By state: what has failed and what is stuck comes first. */
export function byState(capture: Capture, activities: readonly Activity[]): Bucket[] {
  const bad = stuck([capture]);
  const groups = groupedBy(activities, ({ info }) =>
    info.failure !== undefined ? "failed" : bad.has(`0 ${info.id}`) ? "stuck" : info.state,
  );
  return [...groups]
    .sort(([one], [other]) => STATES.indexOf(one) - STATES.indexOf(other))
    .map(([state, members]) => ({
      key: state,
      title: state.charAt(0).toUpperCase() + state.slice(1),
      detail: members.length.toLocaleString("en-US"),
      isBad: state === "failed" || state === "stuck",
      activities: members,
    }));
}

/** By what is waited for: what most wait for first, holders before those that wait. */
export function byWait(capture: Capture, activities: readonly Activity[], nameOf: (id: string) => string): Bucket[] {
  const bad = stuck([capture]);
  const groups = groupedBy(activities, ({ info }) => {
    const { waitsFor } = info;
    if (!waitsFor) return "";
    const isShared = (waitsFor.holders?.length ?? 0) > 0 || SHARED.has(waitsFor.kind);
    return isShared && waitsFor.target ? `${waitsFor.description} ${waitsFor.target.address}` : waitsFor.description;
  });
  const buckets = [...groups].map(([key, members]) => {
    const wait = members[0]?.info.waitsFor;
    const holders = (wait?.holders ?? []).map(({ activityId }) => activityId);
    const holding = holders.flatMap((id) => capture.activity(id) ?? []);
    const held = holders.length === 0 ? "" : `held by ${holders.slice(0, 3).map(nameOf).join(", ")} · `;
    const isSome = wait !== undefined;
    return {
      key: key === "" ? "none" : key,
      title: wait ? wait.description.charAt(0).toUpperCase() + wait.description.slice(1) : "Not waiting",
      detail: `${held}${members.length.toLocaleString("en-US")}${isSome ? (members.length === 1 ? " waits" : " wait") : ""}`,
      isBad: isSome && members.some(({ info }) => bad.has(`0 ${info.id}`)),
      activities: [...new Set([...holding, ...members])],
      holders: holding,
      waiting: isSome ? members.length : -1,
      hasHolders: holders.length > 0,
    };
  });
  const rank = (bucket: (typeof buckets)[number]): number =>
    (bucket.isBad ? 4e9 : 0) + (bucket.hasHolders ? 2e9 : 0) + bucket.waiting;
  return buckets.sort((one, other) => rank(other) - rank(one));
}

/** Kinds of waits of which several may be for one thing. */
const SHARED = new Set(["lock", "semaphore", "limiter", "event", "condition", "barrier", "queue_get", "queue_put"]);

function groupedBy(activities: readonly Activity[], keyOf: (activity: Activity) => string): Map<string, Activity[]> {
  const groups = new Map<string, Activity[]>();
  for (const activity of activities) {
    const key = keyOf(activity);
    const group = groups.get(key);
    if (group) group.push(activity);
    else groups.set(key, [activity]);
  }
  return groups;
}
