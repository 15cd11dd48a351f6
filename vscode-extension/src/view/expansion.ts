/** Remembers which rows the user opened and closed, because VS Code forgets it when the tree is empty for a while. */

import type * as vscode from "vscode";
import type { Row } from "../model/row";
import { startsExpanded } from "../model/rows";
import type { Store } from "../model/store";

export class Expansion {
  readonly #chosen = new Map<string, boolean>();

  isExpanded(row: Row): boolean {
    return this.#chosen.get(row.id) ?? startsExpanded(row);
  }

  /** Follow what happens in the view, until the last session ends: identifiers are not used again after it. */
  follow(view: vscode.TreeView<Row>, store: Store): { dispose(): unknown }[] {
    return [
      view.onDidExpandElement(({ element }) => this.#chosen.set(element.id, true)),
      view.onDidCollapseElement(({ element }) => this.#chosen.set(element.id, false)),
      store.onDidChange(() => {
        if (store.sessions.length === 0) this.#chosen.clear();
      }),
    ];
  }
}
