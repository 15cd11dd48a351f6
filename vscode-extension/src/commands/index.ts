/** The commands under `asynctb.`. */

import * as vscode from "vscode";
import type { Highlight } from "../decorations/highlight";
import { CaptureEnded } from "../model/capture";
import type { MoreRow, Row } from "../model/row";
import type { Store } from "../model/store";
import type { VariableRow } from "../model/variables";
import { change } from "../settings";
import type { Filter } from "../view/filter";
import type { StacksProvider } from "../view/provider";
import type { VariablesView } from "../view/variables";
import { copyAll, copyRow } from "./copy";
import { goTo } from "./navigate";

export interface CommandTargets {
  readonly store: Store;
  readonly provider: StacksProvider;
  readonly filter: Filter;
  readonly highlight: Highlight;
  readonly variables: VariablesView;
}

export function registerCommands({ store, provider, filter, highlight, variables }: CommandTargets): vscode.Disposable {
  const refresh = (): void => {
    for (const session of store.sessions) if (session.capture) session.refresh();
  };
  const handlers: Record<string, (row: Row) => unknown> = {
    "asynctb.refresh": refresh,
    "asynctb.showRunning": (row?: Row) => {
      store.showRunning(row?.kind === "session" ? row.session : undefined);
    },
    "asynctb.goTo": (row) => goTo(row, store, highlight),
    "asynctb.showMore": (row) => (row.kind === "more" ? showMore(row) : undefined),
    "asynctb.retry": (row) => (row.kind === "error" ? row.retry() : undefined),
    "asynctb.filter": () => askForFilter(filter),
    "asynctb.editFilter": () => askForFilter(filter),
    "asynctb.clearFilter": () => {
      filter.text = "";
    },
    "asynctb.showHiddenFrames": () => change("showHiddenFrames", true),
    "asynctb.hideHiddenFrames": () => change("showHiddenFrames", false),
    "asynctb.groupStacks": () => change("groupIdenticalStacks", true),
    "asynctb.ungroupStacks": () => change("groupIdenticalStacks", false),
    "asynctb.copyStack": (row) => copyRow(row, provider.unpaged),
    "asynctb.showVariables": async (row) => {
      if (row.kind !== "frame") return;
      await goTo(row, store, highlight);
      variables.select(row.capture, row.frame);
      await variables.reveal();
    },
    "asynctb.evaluate": () => askForExpression(variables),
    "asynctb.copySession": (row) => (row.kind === "session" ? copyAll([row.session], provider.unpaged) : undefined),
    "asynctb.copyAll": () => copyAll(store.sessions, provider.unpaged),
  };
  const variableHandlers: Record<string, (row: VariableRow) => unknown> = {
    "asynctb.setValue": (row) => askForValue(row, variables),
    "asynctb.copyValue": (row) => vscode.env.clipboard.writeText(row.value ?? ""),
  };
  return vscode.Disposable.from(
    ...[...Object.entries(handlers), ...Object.entries(variableHandlers)].map(([name, handler]) =>
      vscode.commands.registerCommand(name, handler),
    ),
  );
}

async function showMore(row: MoreRow): Promise<void> {
  try {
    await row.show();
  } catch (error) {
    // If the program has gone on, the row is about to go, too.
    if (!(error instanceof CaptureEnded)) throw error;
  }
}

async function askForFilter(filter: Filter): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: "Filter Async Stacks",
    prompt: "Show tasks whose name, state, wait, exception, innermost function or its file contains this text",
    value: filter.text,
  });
  if (text !== undefined) filter.text = text;
}

async function askForExpression(variables: VariablesView): Promise<void> {
  const expression = await vscode.window.showInputBox({
    title: `Evaluate in ${variables.frameName}`,
    prompt: "The expression is run in the suspended frame",
  });
  if (expression !== undefined && expression.trim() !== "") await variables.evaluate(expression);
}

async function askForValue(row: VariableRow, variables: VariablesView): Promise<void> {
  const { name, value = "" } = row;
  const text = await vscode.window.showInputBox({
    title: `Set ${name}`,
    prompt: "An expression for the new value",
    value,
  });
  if (text !== undefined && text !== row.value) await variables.setVariable(row, text);
}
