/** The item in the status bar and the line in the Debug Console: how many tasks there are, and what is wrong. */

import * as vscode from "vscode";
import type { Capture } from "../model/capture";
import { severity, statusOf } from "../model/findings";
import { findingTitle } from "../model/labels";
import type { Store } from "../model/store";
import { printsStatus, showsStatus } from "../settings";

export class Status implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("asynctb.status", vscode.StatusBarAlignment.Left, 0);
  readonly #subscriptions: vscode.Disposable;
  /** Those of which the Debug Console has been told. */
  readonly #printed = new WeakSet<Capture>();

  constructor(private readonly store: Store) {
    this.#item.name = "Async Stacks";
    this.#item.command = "asynctb.showView";
    this.#subscriptions = vscode.Disposable.from(
      this.#item,
      store.onDidChange(() => this.#update()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("asynctb")) this.#update();
      }),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #update(): void {
    const captures = this.store.captures.filter(({ saved }) => !saved);
    const [shows, prints] = [showsStatus(), printsStatus()];
    for (const capture of captures) {
      // It is asked for even if no view is open.
      if ((shows || prints) && !capture.ended) void capture.load().catch(() => undefined);
      if (prints && capture.snapshotId !== undefined && !capture.live) this.#print(capture);
    }
    const known = captures.filter(({ snapshotId }) => snapshotId !== undefined);
    if (!shows || known.length === 0) {
      this.#item.hide();
      return;
    }
    const text = statusOf(known);
    const bad = severity(known);
    const lines = known.flatMap(({ findings }) => findings).map((each) => `${findingTitle(each)}: ${each.text}`);
    this.#item.text = `$(${bad === undefined ? "list-tree" : bad === "proven" ? "error" : "warning"}) ${text}`;
    this.#item.tooltip = ["Async Stacks", ...lines, "Click to show them"].join("\n");
    this.#item.accessibilityInformation = { label: `Async Stacks: ${text}` };
    const color = bad === "proven" ? "statusBarItem.errorBackground" : "statusBarItem.warningBackground";
    this.#item.backgroundColor = bad === undefined ? undefined : new vscode.ThemeColor(color);
    this.#item.show();
  }

  #print(capture: Capture): void {
    if (this.#printed.has(capture)) return;
    this.#printed.add(capture);
    const findings = capture.findings.map((each) => `\n  ${findingTitle(each)}: ${each.text}`);
    vscode.debug.activeDebugConsole.appendLine(`Async Stacks: ${statusOf([capture])}${findings.join("")}`);
  }
}
