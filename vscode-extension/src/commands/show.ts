/** What a click on a row does, whichever view it is in. */

import type { Highlight } from "../decorations/highlight";
import { focusable } from "../model/focusable";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import { followsClicks } from "../settings";
import { focus } from "./focus";
import { openSource } from "./navigate";

/**
 * Open the source of a row, and take the debugger's views there.
 *
 * @param giveBack gives the keyboard back to the view that the row is in
 * @returns whether the debugger's views have followed; only then has the keyboard been given back
 */
export async function showRow(
  row: Row,
  store: Store,
  highlight: Highlight,
  giveBack: () => Promise<void>,
): Promise<boolean> {
  await openSource(row, store, highlight);
  const target = followsClicks() ? await focusable(row) : undefined;
  if (!target || !(await focus(store, target.capture, target.activityId, target.frameId))) return false;
  await openSource(row, store, highlight); // VS Code has gone to where the frame is suspended,
  await giveBack(); // and the editor has taken the keyboard
  return true;
}
