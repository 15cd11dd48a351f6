/** Lets the program go on until one task does. */

import * as vscode from "vscode";
import { CaptureEnded, type Activity, type Capture } from "../model/capture";
import { RequestError } from "../model/helper";
import type { Store } from "../model/store";

/** Let the program run, and have it stop at the first line that a suspended activity executes. */
export async function runUntilResumed(store: Store, capture: Capture, activity: Activity): Promise<void> {
  const session = store.sessions.find((each) => each.capture === capture);
  const { snapshotId, helper } = capture;
  if (!session?.paused || capture.live || snapshotId === undefined) return;
  const { id, name } = activity.info;
  try {
    const threadId = await helper.follow({ snapshotId, activityId: id });
    capture.check();
    if (threadId === undefined) return;
    void vscode.window.setStatusBarMessage(`Async Stacks: running until ${name} goes on.`, 5000);
    await helper.standard("continue", { threadId });
  } catch (error) {
    if (error instanceof CaptureEnded) return;
    if (!(error instanceof RequestError)) throw error;
    void vscode.window.setStatusBarMessage(`Async Stacks: ${error.message}`, 5000);
  }
}
