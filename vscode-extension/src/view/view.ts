/** The view around the tree: its header, and the context keys that its welcome texts and menus depend on. */

import * as vscode from "vscode";
import { liveText, summaryOf } from "../model/labels";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import type { Filter } from "./filter";
import type { StacksProvider } from "./provider";
import type { VariablesView } from "./variables";

const INTRODUCED = "asynctb.introduced";

export function createView(
  provider: StacksProvider,
  store: Store,
  filter: Filter,
  variables: VariablesView,
  memory: vscode.Memento,
): vscode.Disposable {
  const view = vscode.window.createTreeView<Row>("asynctb.stacks", {
    treeDataProvider: provider,
    showCollapseAll: true,
  });
  const keys = new Map<string, unknown>();
  const setKey = (key: string, value: unknown): void => {
    if (keys.get(key) !== value) void vscode.commands.executeCommand("setContext", `asynctb.${key}`, value);
    keys.set(key, value);
  };
  const update = (): void => {
    setKey("state", store.state);
    setKey(
      "running",
      store.sessions.some((session) => !session.paused),
    );
    view.description = summaryOf(store.captures, filter.text);
    view.message = liveText(store.sessions);
    if (store.sessions.some((session) => session.paused)) void introduce(view, provider, memory);
  };
  update();
  return vscode.Disposable.from(
    view,
    ...provider.expansion.follow(view, store),
    store.onDidChange(update),
    filter.onDidChange(update),
    view.onDidChangeSelection(({ selection: [row] }) => {
      if (row?.kind === "frame") variables.select(row.capture, row.frame);
    }),
  );
}

/**
 * Open the view at the first stop after installation. VS Code adds views to Run and Debug folded, where nobody would find them; what
 * the user makes of it afterwards stays.
 */
async function introduce(view: vscode.TreeView<Row>, provider: StacksProvider, memory: vscode.Memento): Promise<void> {
  if (memory.get(INTRODUCED) === true) return;
  await memory.update(INTRODUCED, true);
  const [first] = await provider.getChildren();
  if (first) await view.reveal(first, { select: false, focus: false });
}
