/** The text that activities must contain to be shown. */

import * as vscode from "vscode";

export class Filter implements vscode.Disposable {
  readonly onDidChange: vscode.Event<void>;
  readonly #changed = new vscode.EventEmitter<void>();
  #text = "";

  constructor() {
    this.onDidChange = this.#changed.event;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text.trim();
    void vscode.commands.executeCommand("setContext", "asynctb.filtered", this.#text !== "");
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
