/** What a click on a row does, whichever view it is in. */

import { focusable } from "../model/focusable";
import type { Row } from "../model/row";
import { followsClicks } from "../settings";
import { focus } from "./focus";
import { openSource, type Surroundings } from "./navigate";

/**
 * Opens the source of a row, and takes the debugger's views there.
 *
 * @param giveBack gives the keyboard back to the view that the row is in
 * @returns whether the debugger's views have followed; only then has the keyboard been given back
 */
export type Show = (row: Row, giveBack: () => Promise<void>) => Promise<boolean>;

/** Return what shows rows, of all views one at a time. */
export function shower(surroundings: Surroundings): Show {
  // What VS Code does for one click would be taken for what it does for the next.
  let latest: Row | undefined;
  let following: Promise<unknown> = Promise.resolve();
  const follow: Show = async (row, giveBack) => {
    const target = followsClicks() ? await focusable(row) : undefined;
    if (!target || !(await focus(surroundings.store, target.capture, target.activityId, target.frameId))) return false;
    await openSource(row, surroundings); // VS Code has gone to where the frame is suspended,
    await giveBack(); // and the editor has taken the keyboard
    return true;
  };
  return async (row, giveBack) => {
    latest = row;
    await openSource(row, surroundings);
    const turn = following.then(() => latest === row && follow(row, giveBack));
    following = turn.catch(() => undefined);
    return turn;
  };
}
