/** From a row to its source, and to other rows. */

import * as vscode from "vscode";
import type { Highlight } from "../decorations/highlight";
import type { Row } from "../model/row";
import { sourceOf } from "../model/rows";
import type { Activity, Capture } from "../model/capture";
import type { Store } from "../model/store";
import { withBlock, type Block } from "../model/source";
import type { Documents } from "../snapshots/documents";
import type { Context, Location, SourceRef } from "../protocol";

/** What opening a source takes. */
export interface Surroundings {
  readonly store: Store;
  readonly highlight: Highlight;
  readonly documents: Documents;
}

interface Target {
  /** What is active there. */
  readonly contexts?: readonly Context[];
  /** Whether to mark no more than the first line: of a `with` statement, not its whole body. */
  readonly firstLineOnly: boolean;
  readonly capture: Capture;
  readonly location: Location;
  readonly sources: readonly SourceRef[];
}

/** Open the source of a frame at its suspended await, or of a context manager at its `with` line. */
export async function openSource(row: Row, surroundings: Surroundings): Promise<void> {
  const target = targetOf(row);
  if (target) await open(target, surroundings);
}

/** Open the source at the place where an activity was made; returns whether that is known. */
export async function openCreation(
  capture: Capture,
  { info, sources }: Activity,
  surroundings: Surroundings,
): Promise<boolean> {
  if (!info.createdAt) return false;
  await open({ firstLineOnly: false, capture, location: info.createdAt.location, sources }, surroundings);
  return true;
}

async function open(target: Target, { store, highlight, documents }: Surroundings): Promise<void> {
  const source = sourceOf(target.location, target.sources);
  const { saved } = target.capture;
  const uri =
    saved && source?.path !== undefined
      ? await documents.recorded(saved, source.path, target.location.line)
      : source && uriOf(source, target.capture, store);
  if (!uri) {
    void vscode.window.setStatusBarMessage("Async Stacks: this row has no source that could be opened.", 5000);
    return;
  }
  const options = { preview: true, preserveFocus: true };
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(uri);
  } catch {
    // Opens an editor that says why.
    await vscode.commands.executeCommand("vscode.open", uri, options);
    return;
  }
  const range = rangeOf(target, document);
  const selection = new vscode.Range(range.start, range.start);
  const editor = await vscode.window.showTextDocument(document, { ...options, selection });
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  highlight.show(uri, range, blocksAround(target, document), target.capture);
}

/** The blocks of the `with` statements that a frame is in. */
function blocksAround({ contexts = [], location }: Target, document: vscode.TextDocument): Block[] {
  const lines = document.getText().split(/\r\n|\r|\n/);
  const blocks = new Map<number, Block>();
  for (const context of contexts) {
    // One that is being entered is not in its block yet.
    const isInside = context.phase === "active" && context.location?.source === location.source;
    const block = isInside && context.location && withBlock(lines, context.location, location.line ?? 0);
    if (block) blocks.set(block.first, block);
  }
  return [...blocks.values()];
}

function targetOf(row: Row): Target | undefined {
  switch (row.kind) {
    case "frame":
      return {
        firstLineOnly: false,
        capture: row.capture,
        location: row.frame.location,
        sources: row.sources,
        contexts: row.frame.contexts ?? [],
      };
    case "context": {
      const { location } = row.context;
      return location && { firstLineOnly: true, capture: row.capture, location, sources: row.sources };
    }
    case "step": {
      const { location } = row.step;
      const sources = row.capture.findingSources;
      return location && { firstLineOnly: true, capture: row.capture, location, sources };
    }
    case "group":
    case "activity": {
      const { info, sources } = row.kind === "group" ? row.first : row.activity;
      const frame = info.top;
      return frame && { firstLineOnly: false, capture: row.capture, location: frame.location, sources };
    }
    default:
      return undefined;
  }
}

function uriOf(source: SourceRef, capture: Capture, store: Store): vscode.Uri | undefined {
  if (source.sourceReference !== undefined && source.sourceReference > 0) {
    // The debugger has the text.
    const owner = store.sessions.find((session) => session.capture === capture);
    const path = source.path ?? source.name ?? "source";
    const query = `session=${encodeURIComponent(owner?.id ?? "")}&ref=${source.sourceReference}`;
    return vscode.Uri.from({ scheme: "debug", path, query });
  }
  return source.path === undefined ? undefined : vscode.Uri.file(source.path);
}

function rangeOf({ location, firstLineOnly }: Target, document: vscode.TextDocument): vscode.Range {
  const { line = 1, endLine = line, column, endColumn } = location;
  const first = document.lineAt(document.validatePosition(new vscode.Position(line - 1, 0)));
  const start = column === undefined ? first.firstNonWhitespaceCharacterIndex : column - 1;
  if (endColumn === undefined || (firstLineOnly && endLine > line)) {
    return new vscode.Range(first.lineNumber, start, first.lineNumber, first.text.trimEnd().length);
  }
  return document.validateRange(new vscode.Range(first.lineNumber, start, endLine - 1, endColumn - 1));
}
