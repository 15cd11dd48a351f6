/** Links in hovers: commands with what they are about, which must be data. */

import * as vscode from "vscode";
import type { Activity, Capture } from "../model/capture";
import { fullPlace, place } from "../model/labels";
import { sourceOf } from "../model/rows";
import { relatives, type Direction } from "../model/relatives";
import type { Location, SourceRef } from "../protocol";

export const OPEN = "asynctb.openPlace";
export const REVEAL = "asynctb.revealTask";

export interface PlaceArguments {
  readonly path: string;
  readonly line: number;
}

/** Of a task in one of the pictures. */
export interface TaskArguments {
  readonly snapshotId: number | undefined;
  readonly activityId: string;
}

const TITLES: Readonly<Record<Direction, string>> = {
  holder: "Held by",
  awaited: "Waits for",
  awaiter: "Awaited by",
  parent: "Belongs to",
};

/** Most links in a direction. */
const MOST = 10;

export function newHover(): vscode.MarkdownString {
  const hover = new vscode.MarkdownString();
  hover.isTrusted = { enabledCommands: [OPEN, REVEAL] };
  return hover;
}

/** Append where an activity stands and who has to do with it. */
export function appendLinks(hover: vscode.MarkdownString, capture: Capture, activity: Activity): void {
  const { info, sources } = activity;
  const frame = info.top;
  // Where a file comes from another machine, its paths are not those of this one.
  const own = frame && !capture.saved && linkTo(frame.location, sources);
  if (own) hover.appendMarkdown(`\n\n${own}`);
  for (const direction of ["holder", "awaited", "awaiter", "parent"] as const) {
    const found = relatives(capture, activity, direction);
    if (found.length === 0) continue;
    const links = found.slice(0, MOST).map((each) => linkToTask(capture, each));
    const rest = found.length - links.length;
    hover.appendMarkdown(`\n\n${TITLES[direction]} ${links.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`);
    const since = direction === "holder" ? info.waitsFor?.holders?.[0]?.location : undefined;
    const line = since && !capture.saved && linkTo(since, sources);
    if (line) hover.appendMarkdown(` since ${line}`);
  }
}

export function linkToTask(capture: Capture, { info }: Activity): string {
  const target: TaskArguments = { snapshotId: capture.snapshotId, activityId: info.id };
  return link(info.name, REVEAL, target);
}

function linkTo(location: Location, sources: readonly SourceRef[]): string | undefined {
  const source = sourceOf(location, sources);
  if (source?.path === undefined || (source.sourceReference ?? 0) > 0 || location.line === undefined) return undefined;
  const target: PlaceArguments = { path: source.path, line: location.line };
  return link(place(location, sources), OPEN, target, fullPlace(location, sources));
}

function link(text: string, command: string, target: object, title = ""): string {
  const address = `command:${command}?${encodeURIComponent(JSON.stringify([target]))}`;
  const hover = title === "" ? "" : ` "${title.replaceAll('"', "'")}"`;
  return `[${escape(text)}](${address}${hover})`;
}

function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~]/g, "\\$&");
}
