/** Keep, open and compare snapshots. */

import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import { CaptureEnded } from "../model/capture";
import { comparisonOf } from "../model/comparison";
import { documentOf } from "../model/document";
import { RequestError } from "../model/helper";
import { Files } from "../model/source";
import type { Session, Store } from "../model/store";
import { readText } from "../settings";
import type { Documents } from "./documents";
import { SnapshotFile } from "./file";

const FILTERS = { "Snapshots of asynctb": ["json"], "All Files": ["*"] };

export class Snapshots {
  constructor(
    private readonly store: Store,
    private readonly documents: Documents,
    /** The script that reads files. */
    private readonly script: string,
  ) {}

  /** Write all that is known of a paused program to a file that the user chooses. */
  async save(chosen?: Session): Promise<void> {
    const session = chosen ?? (await this.#choose(({ capture, saved }) => capture !== undefined && !saved));
    const capture = session?.capture;
    if (!session || !capture) return;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const name = `${session.name().replace(/[^\w.-]+/g, "-")}-${stamp(capture.takenAt)}.json`;
    try {
      // What is saved is of the moment of the command, not of that at which its name has been typed.
      const options = { location: vscode.ProgressLocation.Window, title: "Reading async stacks" };
      const pieces = await vscode.window.withProgress(options, () =>
        documentOf(capture, session.stop, new Files(readText)),
      );
      const target = await vscode.window.showSaveDialog({
        title: "Save Snapshot",
        filters: FILTERS,
        ...(folder && { defaultUri: vscode.Uri.joinPath(folder, name) }),
      });
      if (!target) return;
      await writeWhole(target.fsPath, pieces);
      void vscode.window.setStatusBarMessage(`Async Stacks: saved ${target.fsPath}`, 5000);
    } catch (error) {
      if (error instanceof CaptureEnded) {
        void vscode.window.showWarningMessage("The program went on before all stacks were read: nothing was saved.");
      } else {
        void vscode.window.showErrorMessage(`The snapshot was not saved: ${messageOf(error)}`);
      }
    }
  }

  /** Show a snapshot file, one that the user chooses if none is named. */
  async open(uri?: vscode.Uri): Promise<void> {
    const chosen =
      uri ??
      (await vscode.window.showOpenDialog({ title: "Open Snapshot", filters: FILTERS, canSelectMany: false }))?.[0];
    if (!chosen) return;
    const name = path.basename(chosen.fsPath);
    try {
      const file = await SnapshotFile.open(this.script, chosen.fsPath);
      this.store.openSaved(`file:${chosen.fsPath}`, name, file);
    } catch (error) {
      void vscode.window.showErrorMessage(`${name} cannot be shown: ${messageOf(error)}.`);
      return;
    }
    await vscode.commands.executeCommand("setContext", "asynctb.wanted", true);
    await vscode.commands.executeCommand("asynctb.stacks.focus");
  }

  /** Show a file no more. */
  async close(chosen?: Session): Promise<void> {
    const session = chosen?.saved ? chosen : await this.#choose(({ saved }) => saved !== undefined);
    if (session?.saved) this.store.close(session);
  }

  /** Show, as text, what has changed since the program stopped the last time. */
  async compare(chosen?: Session): Promise<void> {
    const session = chosen ?? (await this.#choose(({ capture, saved }) => capture !== undefined && !saved));
    const capture = session?.capture;
    if (!session || !capture) return;
    try {
      await capture.loadAll();
      const text = comparisonOf(session.name(), capture);
      if (text === undefined) {
        void vscode.window.showInformationMessage(
          "This is the first stop of the program: there is nothing to compare it with.",
        );
        return;
      }
      await vscode.window.showTextDocument(this.documents.show(`${session.name()}: since the last stop.txt`, text));
    } catch (error) {
      if (error instanceof CaptureEnded) return;
      if (!(error instanceof RequestError)) throw error;
      void vscode.window.showErrorMessage(`The stops cannot be compared: ${error.message}`);
    }
  }

  async #choose(filter: (session: Session) => boolean): Promise<Session | undefined> {
    const sessions = this.store.sessions.filter(filter);
    if (sessions.length < 2) return sessions[0];
    const items = sessions.map((session) => ({ label: session.name(), session }));
    return (await vscode.window.showQuickPick(items, { placeHolder: "Which one?" }))?.session;
  }
}

/** As a whole, so that nobody ever finds half of it, and for its owner only: it has texts of the program. */
async function writeWhole(file: string, pieces: readonly string[]): Promise<void> {
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(fresh, pieces, { mode: 0o600, flag: "wx" });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** Such as "20261128-101558", in local time. */
function stamp(moment: Date): string {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
