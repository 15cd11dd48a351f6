/** Marks the range of source that a row stands for, until the program goes on. */

import * as vscode from "vscode";
import type { Capture } from "../model/capture";
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
  readonly #subscriptions: vscode.Disposable;
  #shown: { uri: string; range: vscode.Range; capture: Capture } | undefined;

  constructor(private readonly store: Store) {
    this.#subscriptions = vscode.Disposable.from(
      this.#line,
      this.#range,
      store.onDidChange(() => this.#dropOutdated()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
    );
  }

  show(uri: vscode.Uri, range: vscode.Range, capture: Capture): void {
    this.#shown = { uri: uri.toString(), range, capture };
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
    }
  }
}
