/** How a row of the model looks in VS Code's tree. */

import * as vscode from "vscode";
import { actionsOf } from "../model/actions";
import { labelOf } from "../model/labels";
import { newsOf } from "../model/news";
import { isFact } from "../model/findings";
import type { Row } from "../model/row";
import { decorated, type Decoration } from "./colors";
import { tooltipOf } from "./tooltips";
import { isExpandable, startsExpanded } from "../model/rows";
import type { ActivityInfo, ActivityState, Context } from "../protocol";

const NO_SPECIAL_STATE: ActivityState[] = ["suspended", "unknown"];

export function itemOf(row: Row, expanded: boolean): vscode.TreeItem {
  const { label, description, spoken } = labelOf(row);
  const item = new vscode.TreeItem(label, collapsibleState(row, expanded));
  // VS Code would keep a row closed that could not be opened, or was not open by itself, before.
  item.id = isExpandable(row) && startsExpanded(row) ? `${row.id}/open` : row.id;
  item.description = description;
  item.tooltip = tooltipOf(row);
  const decoration = decorationOf(row);
  if (decoration) item.resourceUri = decorated(decoration);
  // Otherwise the whole tooltip is read out.
  item.accessibilityInformation = { label: accessibleLabel(row, label, spoken) };
  const icon = iconOf(row);
  if (icon) item.iconPath = icon;
  const { contextValue, command } = actionsOf(row);
  item.contextValue = contextValue;
  if (command) item.command = { command, title: "", arguments: [row] };
  return item;
}

function decorationOf(row: Row): Decoration | undefined {
  switch (row.kind) {
    case "finding":
      return isFact(row.finding) ? "error" : "warning";
    case "bucket":
      return row.isBad ? "warning" : undefined;
    case "activity":
      return newsOf(row.activity, row.capture.before);
    default:
      return undefined;
  }
}

function accessibleLabel(row: Row, label: string, spoken: string): string {
  const activity = row.kind === "activity" ? row.activity : row.kind === "group" ? row.first : undefined;
  const state = activity?.info.state === "suspended" ? "suspended" : "";
  return [label, state, spoken].filter((part) => part !== "").join(", ");
}

function collapsibleState(row: Row, expanded: boolean): vscode.TreeItemCollapsibleState {
  if (!isExpandable(row)) return vscode.TreeItemCollapsibleState.None;
  return expanded ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
}

function iconOf(row: Row): vscode.ThemeIcon | undefined {
  switch (row.kind) {
    case "session":
      return new vscode.ThemeIcon("debug-alt");
    case "activity":
      return activityIcon(row.activity.info);
    case "group":
      return activityIcon(row.first.info);
    case "bucket":
      return row.isBad
        ? new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"))
        : new vscode.ThemeIcon("symbol-array");
    case "step":
      return new vscode.ThemeIcon("arrow-small-right");
    case "loop":
      return new vscode.ThemeIcon("sync");
    case "threadStack":
      return new vscode.ThemeIcon("layers");
    case "frame":
      return row.frame.hidden === true ? dimmed("debug-stackframe-dot") : new vscode.ThemeIcon("debug-stackframe");
    case "hidden":
      return dimmed("ellipsis");
    case "context":
      return contextIcon(row.context);
    case "object":
      return new vscode.ThemeIcon(row.role === "leaf" ? "watch" : "circle-outline");
    case "note":
      return row.severity === "info"
        ? new vscode.ThemeIcon("info")
        : new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"));
    case "finding":
      return row.finding.certain
        ? new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground"))
        : new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"));
    case "error":
      return new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground"));
    case "more":
      return dimmed("fold-down");
  }
}

function dimmed(id: string): vscode.ThemeIcon {
  return new vscode.ThemeIcon(id, new vscode.ThemeColor("disabledForeground"));
}

function activityIcon({ kind, state, failure }: ActivityInfo): vscode.ThemeIcon {
  if (kind === "thread") return new vscode.ThemeIcon("server-process");
  if (NO_SPECIAL_STATE.includes(state)) return new vscode.ThemeIcon(kind === "task" ? "debug-pause" : "symbol-event");
  const colored = (id: string, color: string): vscode.ThemeIcon =>
    new vscode.ThemeIcon(id, new vscode.ThemeColor(color));
  switch (state) {
    case "running":
      return colored("debug-start", "debugIcon.startForeground");
    case "ready":
      return colored("debug-continue", "debugIcon.continueForeground");
    case "cancelling":
      return colored("circle-slash", "list.warningForeground");
    case "created":
      return new vscode.ThemeIcon("circle-outline");
    case "done":
      return failure === undefined ? dimmed("check") : colored("error", "list.errorForeground");
    default:
      return new vscode.ThemeIcon("question");
  }
}

function contextIcon(context: Context): vscode.ThemeIcon {
  if (context.phase === "entering") return new vscode.ThemeIcon("sign-in");
  if (context.phase === "exiting") return new vscode.ThemeIcon("sign-out");
  return new vscode.ThemeIcon(context.manager ? "bracket" : "question");
}
