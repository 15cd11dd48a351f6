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
    arrangement: settings.get<OutlineOptions["arrangement"]>("arrangement", "auto"),
    pageSize: Math.max(1, settings.get<number>("pageSize", DEFAULT_PAGE_SIZE)),
    filter,
  };
}

/** Change a setting where it is set, or else for the user: a change further out would have no effect. */
export async function change(name: "showHiddenFrames" | "arrangement", value: boolean | string): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const { Global, Workspace, WorkspaceFolder } = vscode.ConfigurationTarget;
  const target = { user: Global, workspace: Workspace, folder: WorkspaceFolder }[scopeOf(settings.inspect(name))];
  await settings.update(name, value, target);
}

export function showsEditorMarks(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("editorMarks", true);
}

/** Whether the status bar says how many tasks there are, and what is wrong. */
export function showsStatus(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("statusBar", true);
}

/** Whether the Debug Console says it, too. */
export function printsStatus(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("debugConsole", false);
}

/** Whether a click on a row takes the debugger's other views there. */
export function followsClicks(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("focusOnClick", true);
}

/** What the language server can show, each with a setting. */
export type Shown = "lenses" | "hints" | "hovers" | "diagnostics" | "navigation";

export function usesServer(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("languageServer.enabled", true);
}

/** Whether something is to be shown that the language server knows. */
export function serverShows(what: Shown): boolean {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return settings.get<boolean>(`languageServer.${what}`, true) && (what !== "hints" || showsEditorMarks());
}

/** Whether the editor shows the hints of the server at the ends of lines. */
export function seesHints(document: vscode.TextDocument): boolean {
  const enabled = vscode.workspace.getConfiguration("editor", document).get<string>("inlayHints.enabled", "on");
  return (enabled === "on" || enabled === "onUnlessPressed") && serverShows("hints");
}

/** How many characters of hints the editor shows in a line; 0 for all. */
export function hintRoom(document: vscode.TextDocument): number {
  return vscode.workspace.getConfiguration("editor", document).get<number>("inlayHints.maximumLength", 0);
}

/** The interpreter that the user wants the language server to run with; empty if none is named. */
export function serverPython(): string {
  return vscode.workspace.getConfiguration(SECTION).get<string>("languageServer.python", "").trim();
}

/** Text of a file where the extension runs, as it is saved. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(path)));
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
