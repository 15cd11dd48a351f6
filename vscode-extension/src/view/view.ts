/** The view around the tree: its header and badge, and the context keys that its welcome texts and menus depend on. */

import * as vscode from "vscode";
import { statusOf, stuck } from "../model/findings";
import { count, liveText, summaryOf } from "../model/labels";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import { outlineOptions } from "../settings";
import type { Filter } from "./filter";
import type { StacksProvider } from "./provider";

const INTRODUCED = "asynctb.introduced";

export interface StacksView {
  dispose(): void;
  /** What is selected, if it is one row. */
  readonly selected: Row | undefined;
  /** Select a row, and have it seen. */
  reveal(row: Row): Promise<void>;
}

export function createView(provider: StacksProvider, store: Store, filter: Filter, memory: vscode.Memento): StacksView {
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
      store.sessions.some((session) => !session.paused && !session.saved),
    );
    setKey(
      "stopped",
      store.sessions.some((session) => session.paused),
    );
    const { captures } = store;
    setKey(
      "found",
      captures.some(({ findings }) => findings.length > 0),
    );
    setKey(
      "saved",
      store.sessions.some(({ saved }) => saved),
    );
    setKey(
      "savable",
      captures.some(({ saved, ended }) => !saved && !ended),
    );
    setKey(
      "comparable",
      captures.some(({ before }) => before),
    );
    view.description = summaryOf(captures, filter.text);
    view.message = liveText(store.sessions);
    const programs = captures.filter(({ saved }) => !saved);
    const bad = stuck(programs).size;
    view.badge = bad === 0 ? undefined : { value: bad, tooltip: `${count(bad, "task")} stuck: ${statusOf(programs)}` };
    if (store.sessions.some((session) => session.paused)) void introduce(view, provider, memory);
  };
  const arrange = (): void => setKey("arrangement", outlineOptions("").arrangement);
  update();
  arrange();
  const subscriptions = vscode.Disposable.from(
    view,
    ...provider.expansion.follow(view, store),
    store.onDidChange(update),
    filter.onDidChange(update),
    vscode.workspace.onDidChangeConfiguration(arrange),
  );
  return {
    get selected() {
      return view.selection[0];
    },
    reveal: async (row) => {
      await view.reveal(row, { select: true, focus: true });
    },
    dispose: () => void subscriptions.dispose(),
  };
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
