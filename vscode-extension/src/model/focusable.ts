/** Which frame the debugger's own views shall show for a row. */

import { CaptureEnded, type Capture } from "./capture";
import { RequestError } from "./helper";
import type { Row } from "./row";

export interface Focusable {
  readonly capture: Capture;
  readonly activityId: string;
  readonly frameId: number;
}

/**
 * The frame of a row; that of the `with` statement for a context manager; for an activity the innermost one of the user's
 * own code, or else the innermost one that is not hidden. Undefined if the debugger cannot look into it.
 */
export async function focusable(row: Row): Promise<Focusable | undefined> {
  let frameId: number | undefined;
  for (let above: Row | undefined = row; above; above = above.parent) {
    if (above.kind === "frame" && frameId === undefined) {
      ({ frameId } = above.frame);
      if (frameId === undefined) return undefined;
    }
    const activity =
      above.kind === "group"
        ? above.first
        : above.kind === "activity" || above.kind === "threadStack" || above.kind === "step"
          ? above.activity
          : undefined;
    if (!activity || !("capture" in above)) continue;
    const activityId = activity.info.id;
    frameId ??= await ownFrame(above.capture, activityId);
    return frameId === undefined ? undefined : { capture: above.capture, activityId, frameId };
  }
  return undefined;
}

async function ownFrame(capture: Capture, activityId: string): Promise<number | undefined> {
  try {
    const { frames } = (await capture.stack(activityId)).stack;
    const shown = frames.filter(({ hidden, frameId }) => hidden !== true && frameId !== undefined);
    return (shown.find(({ library }) => library !== true) ?? shown[0])?.frameId;
  } catch (error) {
    if (error instanceof RequestError || error instanceof CaptureEnded) return undefined;
    throw error;
  }
}
