/** Takes the debugger's own views (Variables, Watch, Call Stack, Debug Console) to a task. */

import * as vscode from "vscode";
import { CaptureEnded, type Capture } from "../model/capture";
import { RequestError } from "../model/helper";
import type { Session, Store } from "../model/store";

/** How long (ms) VS Code may take to follow. */
const PATIENCE = 2_000;

/**
 * Focus a frame, or the innermost one of an activity.
 *
 * @returns whether VS Code has followed
 */
export async function focus(
  store: Store,
  capture: Capture,
  activityId: string,
  frameId?: number,
  reason = "",
): Promise<boolean> {
  const session = store.sessions.find((each) => each.capture === capture);
  const { snapshotId } = capture;
  if (!session?.paused || capture.live || capture.ended || snapshotId === undefined) return false;
  try {
    await activate(session);
    capture.check();
    const followed = nextActiveItem();
    const args = { snapshotId, activityId, reason, ...(frameId !== undefined && { frameId }) };
    if (!(await capture.helper.focus(args))) return false;
    await followed;
    return true;
  } catch (error) {
    // What cannot be focused can still be looked at.
    if (error instanceof RequestError || error instanceof CaptureEnded) return false;
    throw error;
  }
}

/** Go back to where the program stopped. */
export async function back(store: Store): Promise<void> {
  const { activeDebugSession } = vscode.debug;
  const paused = store.sessions.filter((each) => each.paused);
  const session = paused.find(({ id }) => id === activeDebugSession?.id) ?? paused[0];
  const capture = session?.capture;
  if (!session || !capture) return;
  await capture.load();
  const { threadId, reason } = session.stop;
  const thread = capture.roots.find(({ info }) => info.dapThreadId !== undefined && info.dapThreadId === threadId);
  if (thread) await focus(store, capture, thread.info.id, undefined, reason);
}

/** VS Code follows an event only in the session that it shows. */
async function activate(session: Session): Promise<void> {
  const seen = new Set<string>();
  for (;;) {
    const active = vscode.debug.activeDebugSession?.id;
    if (active === session.id || active === undefined || seen.has(active)) return;
    seen.add(active);
    const changed = once(vscode.debug.onDidChangeActiveDebugSession);
    await vscode.commands.executeCommand("workbench.action.debug.nextConsole");
    await changed;
  }
}

function nextActiveItem(): Promise<void> {
  return once(vscode.debug.onDidChangeActiveStackItem);
}

/** Until an event comes, or too long. */
function once(event: vscode.Event<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      subscription.dispose();
      resolve();
    };
    const timer = setTimeout(done, PATIENCE);
    const subscription = event(done);
  });
}
