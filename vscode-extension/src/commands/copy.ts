/** Stacks to the clipboard. */

import * as vscode from "vscode";
import { CaptureEnded } from "../model/capture";
import { count } from "../model/labels";
import type { Row } from "../model/row";
import type { Outline } from "../model/rows";
import type { Session } from "../model/store";
import { Cancelled, textOf, textOfSessions, textOfWhy, type Reader, type Text } from "../model/text";

/** From how many stacks on it takes so long that one may want to cancel it. */
const MANY = 500;

/** Copy a row with what is below it. */
export async function copyRow(row: Row, outline: Outline): Promise<void> {
  const total = row.kind === "activity" || row.kind === "group" || row.kind === "loop" ? row.members : 0;
  await copy(total, (reader) => textOf([row], outline, reader));
}

/** Copy all stacks of the sessions, as far as they have been looked at, and say how many there are. */
export async function copyAll(sessions: readonly Session[], outline: Outline): Promise<void> {
  const total = sessions.reduce((sum, { capture }) => sum + (capture?.total ?? 0), 0);
  const copied = await copy(total, (reader) => textOfSessions(sessions, outline, reader));
  if (copied) void vscode.window.showInformationMessage(`Copied ${count(copied.stacks, "stack")}.`);
}

/** Copy what is wrong, and say so. */
export async function copyWhy(sessions: readonly Session[], outline: Outline): Promise<void> {
  const copied = await copy(0, () => textOfWhy(sessions, outline));
  if (copied) void vscode.window.showInformationMessage("Copied why nothing moves, with the stacks concerned.");
}

/** Returns undefined if nothing was copied, which the user knows then. */
async function copy(total: number, make: (reader: Reader) => Promise<Text>): Promise<Text | undefined> {
  const location = total < MANY ? vscode.ProgressLocation.Window : vscode.ProgressLocation.Notification;
  const options = { location, title: "Copying async stacks", cancellable: true };
  try {
    const copied = await vscode.window.withProgress(options, (progress, token) =>
      make(readerOf(total, progress, token)),
    );
    await vscode.env.clipboard.writeText(copied.text);
    return copied;
  } catch (error) {
    if (error instanceof CaptureEnded) {
      void vscode.window.showWarningMessage("The program went on before all stacks were read: nothing was copied.");
    } else if (!(error instanceof Cancelled)) {
      throw error;
    }
    return undefined;
  }
}

function readerOf(
  total: number,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  token: vscode.CancellationToken,
): Reader {
  let shown = 0;
  return {
    progress: (stacks) => {
      if (stacks - shown < total / 100) return;
      progress.report({ message: `${stacks} of ${total}`, increment: ((stacks - shown) * 100) / total });
      shown = stacks;
    },
    isCancelled: () => token.isCancellationRequested,
  };
}
