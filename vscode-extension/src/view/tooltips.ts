/** What a row says when the pointer rests on it: everything, with links. */

import type * as vscode from "vscode";
import { labelOf } from "../model/labels";
import type { Row } from "../model/row";
import { appendLinks, newHover } from "./links";

export function tooltipOf(row: Row): vscode.MarkdownString {
  const hover = newHover();
  labelOf(row).tooltip.forEach((line, index) => {
    if (index > 0) hover.appendMarkdown("\n\n");
    hover.appendText(line);
  });
  const activity = row.kind === "activity" || row.kind === "step" ? row.activity : undefined;
  if ("capture" in row && activity) appendLinks(hover, row.capture, activity);
  return hover;
}
