/** Texts that are in no file: comparisons, and the sources of a snapshot file as far as it has them. */

import path from "node:path";
import * as vscode from "vscode";
import { textOfLines } from "../model/source";
import type { Saved } from "../model/store";

const SCHEME = "asynctb";

export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly onDidChange: vscode.Event<vscode.Uri>;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #texts = new Map<string, string>();
  readonly #subscriptions: vscode.Disposable;

  constructor() {
    this.onDidChange = this.#changed.event;
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === SCHEME) this.#texts.delete(uri.toString());
      }),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? "";
  }

  /** Have a text where an editor can show it. */
  show(name: string, text: string, query = ""): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name.replace(/^\/+/, "")}`, query });
    this.#texts.set(uri.toString(), text);
    this.#changed.fire(uri);
    return uri;
  }

  /**
   * The source of a snapshot file: the one in a folder that is open here, if its line is still what it was; else what the
   * file has of it. No other file is opened because a snapshot names it.
   */
  async recorded(saved: Saved, source: string, line: number | undefined): Promise<vscode.Uri> {
    const lines = await saved.lines(source);
    const uri = vscode.Uri.file(source);
    const wanted = line === undefined ? undefined : lines.get(line);
    if (line !== undefined && vscode.workspace.getWorkspaceFolder(uri)) {
      try {
        const document = await vscode.workspace.openTextDocument(uri);
        if (line <= document.lineCount && (wanted ?? "") === document.lineAt(line - 1).text) return uri;
      } catch {
        // It is not there any more.
      }
    }
    const { dir, name, ext } = path.parse(source.replaceAll("\\", "/"));
    return this.show(`${dir}/${name} (${path.basename(saved.path)})${ext}`, textOfLines(lines), saved.path);
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }
}
