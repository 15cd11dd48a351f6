/** What tells one activity from another. */

import type { ActivityInfo } from "../protocol";

/** Names that frameworks make up: of a number, an address, or the function that the task runs. */
const MADE_UP = [
  /^Task-\d+$/,
  /^Greenlet-\d+$/,
  / at 0x[0-9a-f]+/i,
  /^<.*>$/,
  /^([A-Za-z_]\w*|<\w+>)(\.([A-Za-z_]\w*|<\w+>))+$/,
];

/** Whether nobody has given the activity its name. Those of threads stay: there are few, and pools name theirs. */
export function isMadeUp({ kind, name }: ActivityInfo): boolean {
  if (kind === "thread") return false;
  return (kind !== "task" && kind !== "greenlet") || MADE_UP.some((pattern) => pattern.test(name));
}
