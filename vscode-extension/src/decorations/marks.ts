/** Shows at the lines of source where tasks are suspended which ones these are, and what they wait for. */

import * as vscode from "vscode";
import { stuck } from "../model/findings";
import { count, nameIn, shortWait } from "../model/labels";
import type { Store } from "../model/store";
import { suspendedLines, type Suspended, type SuspendedLine } from "../model/suspended";
import { showsEditorMarks } from "../settings";
import { appendLinks, linkToTask, newHover } from "../view/links";

/** Most names behind a line, and in its hover. */
const NAMES = 3;
const HOVER_NAMES = 30;

export class Marks implements vscode.Disposable {
  readonly #usual: vscode.TextEditorDecorationType;
  readonly #stuck: vscode.TextEditorDecorationType;
  readonly #subscriptions: vscode.Disposable;
  #lines = new Map<string, SuspendedLine[]>();
  /** Of activities that do not go on: their identifiers by picture. */
  #bad = new Set<string>();

  constructor(
    private readonly store: Store,
    icon: (name: string) => vscode.Uri,
  ) {
    const make = (name: string, color: string): vscode.TextEditorDecorationType =>
      vscode.window.createTextEditorDecorationType({
        after: { color: new vscode.ThemeColor(color), margin: "0 0 0 2em" },
        gutterIconPath: icon(name),
        gutterIconSize: "contain",
        rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
      });
    this.#usual = make("suspended.svg", "editorCodeLens.foreground");
    this.#stuck = make("stuck.svg", "editorError.foreground");
    this.#subscriptions = vscode.Disposable.from(
      this.#usual,
      this.#stuck,
      store.onDidChange(() => this.#update()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("asynctb.editorMarks")) this.#update();
      }),
    );
  }

  /** Who is suspended at a line, counted from 1. */
  at(document: vscode.TextDocument, line: number): readonly Suspended[] {
    const lines = this.#lines.get(document.uri.toString()) ?? [];
    return lines.find((each) => each.line === line)?.suspended ?? [];
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #update(): void {
    const captures = showsEditorMarks() ? this.store.captures : [];
    const lines = suspendedLines(captures);
    // Paths as editors spell them.
    this.#lines = new Map([...lines].map(([path, found]) => [vscode.Uri.file(path).toString(), found]));
    this.#bad = new Set(
      captures.flatMap((capture) => [...stuck([capture])].map((id) => keyOf(capture.snapshotId, id))),
    );
    this.#draw();
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      const lines = (this.#lines.get(document.uri.toString()) ?? []).filter(({ line }) => line <= document.lineCount);
      const isBad = ({ suspended }: SuspendedLine): boolean =>
        suspended.some(({ capture, activity }) => this.#bad.has(keyOf(capture.snapshotId, `0 ${activity.info.id}`)));
      const options = (some: SuspendedLine[]): vscode.DecorationOptions[] =>
        some.map((line) => optionsOf(line, document));
      editor.setDecorations(this.#usual, options(lines.filter((line) => !isBad(line))));
      editor.setDecorations(this.#stuck, options(lines.filter(isBad)));
    }
  }
}

function keyOf(snapshotId: number | undefined, id: string): string {
  return `${snapshotId ?? ""} ${id}`;
}

function optionsOf(
  { line, suspended, complete }: SuspendedLine,
  document: vscode.TextDocument,
): vscode.DecorationOptions {
  const { end } = document.lineAt(line - 1).range;
  const names = suspended.slice(0, NAMES).map(({ activity }) => activity.info.name);
  const rest = suspended.length - names.length;
  const more = rest > 0 ? ` and ${complete ? "" : "at least "}${rest.toLocaleString("en-US")} more` : "";
  const waits = new Set(suspended.map(({ capture, activity }) => shortWait(activity.info, nameIn(capture))));
  const [wait] = waits;
  const common = waits.size === 1 && wait !== undefined ? ` · ${wait}` : "";
  return {
    range: new vscode.Range(end, end),
    hoverMessage: hoverOf(suspended, complete),
    renderOptions: { after: { contentText: `‖ ${names.join(", ")}${more}${common}` } },
  };
}

function hoverOf(suspended: readonly Suspended[], complete: boolean): vscode.MarkdownString {
  const hover = newHover();
  hover.appendMarkdown(`**${complete ? "" : "At least "}${count(suspended.length, "task")} here**`);
  const [only] = suspended;
  if (only && suspended.length === 1) {
    const { capture, activity } = only;
    hover.appendMarkdown(`: ${linkToTask(capture, activity)} `);
    hover.appendText(stateText(only));
    appendLinks(hover, capture, activity);
    return hover;
  }
  for (const each of suspended.slice(0, HOVER_NAMES)) {
    hover.appendMarkdown(`\n\n${linkToTask(each.capture, each.activity)} `);
    hover.appendText(stateText(each));
  }
  const rest = suspended.length - HOVER_NAMES;
  if (rest > 0) hover.appendMarkdown(`\n\nand ${rest.toLocaleString("en-US")} more`);
  return hover;
}

function stateText({ capture, activity: { info } }: Suspended): string {
  const wait = shortWait(info, nameIn(capture));
  return wait === undefined ? info.state : `${info.state}: ${wait}`;
}
