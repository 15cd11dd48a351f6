/** Marks the range of source that a row stands for, and the blocks around it, until the program goes on. */

import * as vscode from "vscode";
import type { Capture } from "../model/capture";
import type { Block } from "../model/source";
import type { Store } from "../model/store";

export class Highlight implements vscode.Disposable {
  readonly #line = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.focusedStackFrameHighlightBackground"),
    overviewRulerColor: new vscode.ThemeColor("editor.focusedStackFrameHighlightBackground"),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  readonly #range = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("editor.focusedStackFrameHighlightBackground"),
    border: "1px solid",
    borderColor: new vscode.ThemeColor("editor.wordHighlightStrongBorder"),
    borderRadius: "2px",
    light: { borderColor: "#0000003f" },
    dark: { borderColor: "#ffffff3f" },
  });
  /** A line along a block, as the editor draws along what is indented. */
  readonly #block = vscode.window.createTextEditorDecorationType({
    borderWidth: "0 0 0 2px",
    borderStyle: "solid",
    borderColor: new vscode.ThemeColor("editor.focusedStackFrameHighlightBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorIndentGuide.activeBackground1"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  readonly #subscriptions: vscode.Disposable;
  #shown: { uri: string; range: vscode.Range; blocks: readonly Block[]; capture: Capture } | undefined;

  constructor(private readonly store: Store) {
    this.#subscriptions = vscode.Disposable.from(
      this.#line,
      this.#range,
      this.#block,
      store.onDidChange(() => this.#dropOutdated()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
    );
  }

  show(uri: vscode.Uri, range: vscode.Range, blocks: readonly Block[], capture: Capture): void {
    this.#shown = { uri: uri.toString(), range, blocks, capture };
    this.#dropOutdated();
    this.#draw();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #dropOutdated(): void {
    const capture = this.#shown?.capture;
    if (capture && !this.store.sessions.some((session) => session.capture === capture)) {
      this.#shown = undefined;
      this.#draw();
    }
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const shown = editor.document.uri.toString() === this.#shown?.uri ? this.#shown : undefined;
      editor.setDecorations(this.#line, shown ? [shown.range] : []);
      editor.setDecorations(this.#range, shown && !shown.range.isEmpty ? [shown.range] : []);
      editor.setDecorations(
        this.#block,
        (shown?.blocks ?? []).flatMap((block) => linesOf(block, editor.document)),
      );
    }
  }
}

/** Where its line is drawn, in each line of source that has such a column. */
function linesOf({ first, last, indent }: Block, document: vscode.TextDocument): vscode.Range[] {
  const ranges: vscode.Range[] = [];
  for (let line = first; line <= Math.min(last, document.lineCount - 1); line++) {
    if (document.lineAt(line).text.length > indent) ranges.push(new vscode.Range(line, indent, line, indent + 1));
  }
  return ranges;
}
