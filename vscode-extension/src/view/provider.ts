/** The tree "Async Stacks": hands VS Code the rows of the outline. */

import * as vscode from "vscode";
import type { Row } from "../model/row";
import { Outline } from "../model/rows";
import type { Store } from "../model/store";
import { outlineOptions, readText } from "../settings";
import { Expansion } from "./expansion";
import type { Filter } from "./filter";
import { itemOf } from "./items";

export class StacksProvider implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly outline: Outline;
  /** A tree with all that could be loaded in one page. */
  readonly unpaged: Outline;
  /** The same with identical stacks together. */
  readonly stacks: Outline;
  readonly expansion = new Expansion();
  readonly onDidChangeTreeData: vscode.Event<Row | undefined>;
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly #subscriptions: vscode.Disposable;

  constructor(store: Store, filter: Filter) {
    this.onDidChangeTreeData = this.#changed.event;
    this.outline = new Outline(
      store,
      () => outlineOptions(filter.text),
      (row) => this.#changed.fire(row),
      readText,
    );
    this.unpaged = new Outline(
      store,
      () => ({ ...outlineOptions(filter.text), pageSize: Infinity, arrangement: "tree" }),
      () => undefined,
      readText,
    );
    this.stacks = new Outline(
      store,
      () => ({ ...outlineOptions(""), pageSize: Infinity, arrangement: "stacks" }),
      () => undefined,
      readText,
    );
    const refresh = (): void => this.#changed.fire(undefined);
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      store.onDidChange(refresh),
      filter.onDidChange(refresh),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("asynctb")) refresh();
      }),
    );
  }

  getChildren(row?: Row): Promise<Row[]> {
    return this.outline.children(row);
  }

  getTreeItem(row: Row): vscode.TreeItem {
    return itemOf(row, this.expansion.isExpanded(row));
  }

  getParent(row: Row): Row | undefined {
    return row.parent;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }
}
