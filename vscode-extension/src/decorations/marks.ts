/** Shows at the lines of source where tasks are suspended which ones these are, and what they wait for. */

import * as vscode from "vscode";
import { stuck } from "../model/findings";
import { count, nameIn, shortWait } from "../model/labels";
import type { Capture } from "../model/capture";
import type { Store } from "../model/store";
import { suspendedLines, type Suspended, type SuspendedLine } from "../model/suspended";
import { seesHints, showsEditorMarks } from "../settings";
import { appendLinks, linkToTask, newHover } from "../view/links";

/** Most names behind a line, and in its hover. */
const NAMES = 3;
const HOVER_NAMES = 30;

/** What is said about a line. */
export interface Saying {
  readonly text: () => string;
  readonly hover: () => vscode.MarkdownString;
}

export class Marks implements vscode.Disposable {
  readonly #usual: vscode.TextEditorDecorationType;
  readonly #stuck: vscode.TextEditorDecorationType;
  readonly #subscriptions: vscode.Disposable;
  #lines = new Map<string, SuspendedLine[]>();
  /** Of activities that do not go on: their identifiers by picture. */
  #bad = new Set<string>();
  /** Whether the language server says at their lines where the activities of a picture are. */
  #isSaid: (capture: Capture) => boolean = () => false;

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
        if (event.affectsConfiguration("asynctb") || event.affectsConfiguration("editor.inlayHints")) this.#update();
      }),
    );
  }

  /** Who is suspended at a line, counted from 1. */
  at(document: vscode.TextDocument, line: number): readonly Suspended[] {
    const lines = this.#lines.get(document.uri.toString()) ?? [];
    return lines.find((each) => each.line === line)?.suspended ?? [];
  }

  /** Leave to somebody else what is said at the ends of lines, for some of the pictures. */
  leaveTo(other: { shows(capture: Capture): boolean; onDidChange: vscode.Event<void> }): vscode.Disposable {
    this.#isSaid = (capture) => other.shows(capture);
    return other.onDidChange(() => this.#draw());
  }

  /**
   * What is said of those that are suspended at a line, which the program has under this number; undefined if nobody is.
   *
   * @param room how many characters the text should have at most, if that is possible
   */
  sayingAt(document: vscode.TextDocument, line: number, room = 0): Saying | undefined {
    const found = (this.#lines.get(document.uri.toString()) ?? []).find((each) => each.line === line);
    if (!found) return undefined;
    const { suspended, complete } = found;
    return { text: () => textOf(suspended, complete, room), hover: () => hoverOf(suspended, complete) };
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
      const isVisible = seesHints(document);
      const isBad = ({ suspended }: SuspendedLine): boolean =>
        suspended.some(({ capture, activity }) => this.#bad.has(keyOf(capture.snapshotId, `0 ${activity.info.id}`)));
      const options = (some: SuspendedLine[]): vscode.DecorationOptions[] =>
        some.map((line) => {
          const unsaid = isVisible ? line.suspended.filter(({ capture }) => !this.#isSaid(capture)) : line.suspended;
          return optionsOf(line, unsaid, document);
        });
      editor.setDecorations(this.#usual, options(lines.filter((line) => !isBad(line))));
      editor.setDecorations(this.#stuck, options(lines.filter(isBad)));
    }
  }
}

function keyOf(snapshotId: number | undefined, id: string): string {
  return `${snapshotId ?? ""} ${id}`;
}

/** @param suspended those of the line that are to be named */
function optionsOf(
  { line, complete }: SuspendedLine,
  suspended: readonly Suspended[],
  document: vscode.TextDocument,
): vscode.DecorationOptions {
  const { end } = document.lineAt(line - 1).range;
  if (suspended.length === 0) return { range: new vscode.Range(end, end) };
  return {
    range: new vscode.Range(end, end),
    hoverMessage: hoverOf(suspended, complete),
    renderOptions: { after: { contentText: textOf(suspended, complete) } },
  };
}

/** @param room how many characters there should be at most; 0 for any number */
function textOf(suspended: readonly Suspended[], complete: boolean, room = 0): string {
  const waits = new Set(suspended.map(({ capture, activity }) => shortWait(activity.info, nameIn(capture))));
  const [wait] = waits;
  const common = waits.size === 1 && wait !== undefined ? ` · ${wait}` : "";
  for (let named = NAMES; ; named--) {
    const names = suspended.slice(0, named).map(({ activity }) => activity.info.name);
    const rest = suspended.length - names.length;
    const more = rest > 0 ? ` and ${complete ? "" : "at least "}${rest.toLocaleString("en-US")} more` : "";
    const text = `‖ ${names.join(", ")}${more}${common}`;
    if (room === 0 || text.length <= room || named === 1) return text;
  }
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
