/** The settings under `asynctb.`. */

import * as vscode from "vscode";
import type { OutlineOptions } from "./model/rows";
import { scopeOf } from "./model/scope";
import { MAX_PAGE, type CallStackSettings } from "./protocol";

const SECTION = "asynctb";
const DEFAULT_PAGE_SIZE = 200;
const DEFAULT_LIMIT = 100;

export function outlineOptions(filter: string): OutlineOptions {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return {
    showHidden: settings.get<boolean>("showHiddenFrames", false),
    group: settings.get<boolean>("groupIdenticalStacks", false),
    pageSize: Math.max(1, settings.get<number>("pageSize", DEFAULT_PAGE_SIZE)),
    filter,
  };
}

/** Change a setting where it is set, or else for the user: a change further out would have no effect. */
export async function change(name: "showHiddenFrames" | "groupIdenticalStacks", value: boolean): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const { Global, Workspace, WorkspaceFolder } = vscode.ConfigurationTarget;
  const target = { user: Global, workspace: Workspace, folder: WorkspaceFolder }[scopeOf(settings.inspect(name))];
  await settings.update(name, value, target);
}

export function showsEditorMarks(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("editorMarks", true);
}

/** What VS Code's own Call Stack should list. */
export function callStackSettings(): Required<CallStackSettings> {
  const settings = vscode.workspace.getConfiguration(`${SECTION}.callStack`);
  const limit = Math.round(settings.get<number>("limit", DEFAULT_LIMIT));
  return {
    enabled: settings.get<boolean>("showTasks", true),
    limit: Math.min(Math.max(limit, 1), MAX_PAGE),
    libraryTasks: settings.get<boolean>("libraryTasks", true),
  };
}
