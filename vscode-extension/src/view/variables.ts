/** The view "Async Variables": what a frame of a paused program holds. */

import * as vscode from "vscode";
import type { Capture } from "../model/capture";
import type { Store } from "../model/store";
import { FrameVariables, obstacle, type VariableRow } from "../model/variables";
import type { Frame } from "../protocol";

export class VariablesView implements vscode.TreeDataProvider<VariableRow>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<undefined>;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #view: vscode.TreeView<VariableRow>;
  readonly #subscriptions: vscode.Disposable;
  /** Picture that the selected frame is of. */
  #capture: Capture | undefined;
  #frame: FrameVariables | undefined;
  /** Rows of evaluated expressions, newest first. */
  #results: VariableRow[] = [];

  constructor(private readonly store: Store) {
    this.onDidChangeTreeData = this.#changed.event;
    this.#view = vscode.window.createTreeView("asynctb.variables", { treeDataProvider: this });
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      this.#view,
      store.onDidChange(() => this.#dropOutdated()),
    );
  }

  /** Name of the frame that is shown. */
  get frameName(): string {
    return this.#frame?.frame.name ?? "";
  }

  /** Show the variables of a frame, or why the debugger cannot look into it. */
  select(capture: Capture, frame: Frame): void {
    if (this.#frame?.frame === frame) return;
    const reason = obstacle(capture, frame);
    this.#set(reason === undefined ? new FrameVariables(capture, frame) : undefined, reason);
    this.#capture = capture;
  }

  /** Open the view, which VS Code folds at first. */
  async reveal(): Promise<void> {
    const [first] = await this.getChildren();
    if (first) await this.#view.reveal(first, { select: false, focus: false });
  }

  async evaluate(expression: string): Promise<void> {
    const frame = this.#frame;
    if (!frame) return;
    const result = await this.#attempt(() => frame.evaluate(expression));
    if (!result || frame !== this.#frame) return;
    this.#results = [result, ...this.#results.filter(({ id }) => id !== result.id)];
    this.#changed.fire(undefined);
    await this.reveal();
  }

  async setVariable(row: VariableRow, value: string): Promise<void> {
    const frame = this.#frame;
    if (!frame) return;
    await this.#attempt(() => frame.setVariable(row, value));
    this.#changed.fire(undefined);
  }

  async getChildren(row?: VariableRow): Promise<VariableRow[]> {
    const frame = this.#frame;
    if (!frame) return [];
    const rows = await frame.children(row);
    return row ? rows : [...this.#results, ...rows];
  }

  getTreeItem(row: VariableRow): vscode.TreeItem {
    const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(row.name, row.reference === 0 ? None : row.open ? Expanded : Collapsed);
    item.id = row.id;
    if (row.value !== undefined) {
      item.description = row.value;
      item.tooltip = `${row.name} = ${row.value}${row.type === undefined ? "" : `\n${row.type}`}`;
      item.contextValue = row.container > 0 ? "value settable" : "value";
    }
    return item;
  }

  getParent(): undefined {
    return undefined; // only rows at the top are revealed
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /** The user asked for it and waits: a failure is told in place, once. */
  async #attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const lines = (error instanceof Error ? error.message : String(error)).trim().split("\n");
      void vscode.window.showErrorMessage(lines[lines.length - 1] ?? "The debugger refused.");
      return undefined;
    }
  }

  #dropOutdated(): void {
    const capture = this.#capture;
    if (capture && !this.store.sessions.some((session) => session.capture === capture)) this.#set(undefined);
  }

  #set(frame: FrameVariables | undefined, message = ""): void {
    this.#frame = frame;
    this.#capture = undefined;
    this.#view.message = message;
    void vscode.commands.executeCommand("setContext", "asynctb.frameUnreadable", message !== "");
    this.#results = [];
    this.#view.description = this.frameName;
    void vscode.commands.executeCommand("setContext", "asynctb.frameSelected", frame !== undefined);
    this.#changed.fire(undefined);
  }
}
