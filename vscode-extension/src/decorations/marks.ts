/** Shows the names of suspended tasks at the end of their line of source. */

import * as vscode from "vscode";
import { count } from "../model/labels";
import type { Store } from "../model/store";
import { suspendedLines, type SuspendedLine } from "../model/suspended";
import { showsEditorMarks } from "../settings";

/** Most names behind a line, and in its hover. */
const NAMES = 3;
const HOVER_NAMES = 30;

export class Marks implements vscode.Disposable {
  readonly #type = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorCodeLens.foreground"), margin: "0 0 0 2em" },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  readonly #subscriptions: vscode.Disposable;
  #lines = new Map<string, SuspendedLine[]>();

  constructor(private readonly store: Store) {
    this.#subscriptions = vscode.Disposable.from(
      this.#type,
      store.onDidChange(() => this.#update()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("asynctb.editorMarks")) this.#update();
      }),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #update(): void {
    const lines = suspendedLines(showsEditorMarks() ? this.store.captures : []);
    // Paths as editors spell them.
    this.#lines = new Map([...lines].map(([path, found]) => [vscode.Uri.file(path).toString(), found]));
    this.#draw();
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const lines = this.#lines.get(editor.document.uri.toString()) ?? [];
      editor.setDecorations(
        this.#type,
        lines.filter(({ line }) => line <= editor.document.lineCount).map((line) => optionsOf(line, editor.document)),
      );
    }
  }
}

function optionsOf(
  { line, activities, complete }: SuspendedLine,
  document: vscode.TextDocument,
): vscode.DecorationOptions {
  const { end } = document.lineAt(line - 1).range;
  const names = activities.slice(0, NAMES).map(({ info }) => info.name);
  const rest = activities.length - names.length;
  const more = rest > 0 ? ` and ${rest}${complete ? "" : "+"} more` : "";
  const contentText = `‖ ${names.join(", ")}${more}`;
  return {
    range: new vscode.Range(end, end),
    hoverMessage: hoverOf(activities),
    renderOptions: { after: { contentText } },
  };
}

function hoverOf(activities: SuspendedLine["activities"]): vscode.MarkdownString {
  const hover = new vscode.MarkdownString();
  hover.appendMarkdown(`**${count(activities.length, "task")} here**\n\n`);
  for (const { info } of activities.slice(0, HOVER_NAMES)) {
    const waits = info.waitsFor ? `, waits for ${info.waitsFor.description}` : "";
    hover.appendText(`${info.name}: ${info.state}${waits}`).appendMarkdown("\n\n");
  }
  const rest = activities.length - HOVER_NAMES;
  if (rest > 0) hover.appendMarkdown(`and ${rest} more`);
  return hover;
}
