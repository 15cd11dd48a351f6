/** Colours and marks of rows, which VS Code takes from the addresses of what they stand for. */

import * as vscode from "vscode";

export type Decoration = "error" | "warning" | "new" | "moved";

const SCHEME = "asynctb-row";

/** The address of all rows that look so. */
export function decorated(decoration: Decoration): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${decoration}` });
}

export function provideColors(): vscode.Disposable {
  const color = (id: string): vscode.ThemeColor => new vscode.ThemeColor(id);
  const decorations: Readonly<Record<Decoration, vscode.FileDecoration>> = {
    error: new vscode.FileDecoration(undefined, undefined, color("list.errorForeground")),
    warning: new vscode.FileDecoration(undefined, undefined, color("list.warningForeground")),
    new: new vscode.FileDecoration("+", "New since the last stop"),
    moved: new vscode.FileDecoration("~", "Has gone on since the last stop"),
  };
  return vscode.window.registerFileDecorationProvider({
    provideFileDecoration: ({ scheme, path }) =>
      scheme === SCHEME ? decorations[path.slice(1) as Decoration] : undefined,
  });
}
