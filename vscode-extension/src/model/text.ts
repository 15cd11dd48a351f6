/** Rows and what is below them as indented text, for the clipboard. */

import { labelOf } from "./labels";
import type { Outline, Row } from "./rows";

/** Rows that are opened for the text: everything but the threads' own stacks below tasks of groups. */
export async function textOf(rows: readonly Row[], outline: Outline, depth = 0): Promise<string> {
  // All at once, so that the stacks of many tasks are asked for together.
  const texts = await Promise.all(
    rows.map(async (row) => {
      const { label, description } = labelOf(row);
      const line = `${"  ".repeat(depth)}${label}${description === "" ? "" : `  (${description})`}\n`;
      const nested = depth > 0 && row.parent?.kind === "context" && row.kind === "activity";
      return nested ? line : line + (await textOf(await outline.children(row), outline, depth + 1));
    }),
  );
  return texts.join("");
}
