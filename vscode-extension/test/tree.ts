/** The outline as text. */

import { labelOf } from "../src/model/labels";
import type { Row } from "../src/model/row";
import { isExpandable, Outline, startsExpanded, type OutlineOptions } from "../src/model/rows";
import { Store } from "../src/model/store";
import { options as helperOptions, type Program } from "./program";

export interface Tree {
  readonly store: Store;
  readonly outline: Outline;
  options: OutlineOptions;
  /** Text of files by path. */
  readonly files: Map<string, string>;
  /** For which rows the rows below have changed; undefined for all. */
  readonly changes: (Row | undefined)[];
  /** What was said of searches. */
  readonly searches: (string | undefined)[];
}

export function newTree(options: Partial<OutlineOptions> = {}): Tree {
  const store = new Store(helperOptions());
  const tree: Tree = {
    store,
    options: { showHidden: false, arrangement: "tree", pageSize: 200, filter: "", ...options },
    files: new Map(),
    changes: [],
    searches: [],
    outline: new Outline(
      store,
      () => tree.options,
      (row) => void tree.changes.push(row),
      (path) => {
        const text = tree.files.get(path);
        return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text);
      },
      (progress) => void tree.searches.push(progress),
    ),
  };
  return tree;
}

/** A tree of programs that have just stopped. */
export function stopped(programs: Readonly<Record<string, Program>>, options: Partial<OutlineOptions> = {}): Tree {
  const tree = newTree(options);
  for (const [name, program] of Object.entries(programs)) {
    tree.store.open(`session ${name}`, () => name, program.send).stopped();
  }
  return tree;
}

/** The rows: those that are open at first, or all. */
export async function draw({ outline }: Tree, open: "initial" | "all" = "initial"): Promise<string> {
  const lines: string[] = [];
  const add = async (row: Row, depth: number): Promise<void> => {
    const { label, description } = labelOf(row);
    const expanded = isExpandable(row) && (open === "all" || startsExpanded(row));
    const mark = !isExpandable(row) ? " " : expanded ? "v" : ">";
    lines.push(`${"  ".repeat(depth)}${mark} ${label}${description === "" ? "" : ` | ${description}`}`);
    if (expanded) for (const child of await outline.children(row)) await add(child, depth + 1);
  };
  for (const row of await outline.children(undefined)) await add(row, 0);
  return lines.join("\n");
}

/** The row with the label, and of a kind if one is named, searched from the top. */
export async function find({ outline }: Tree, label: string, kind?: Row["kind"]): Promise<Row> {
  const search = async (rows: Row[]): Promise<Row | undefined> => {
    for (const row of rows) {
      if (labelOf(row).label === label && (kind === undefined || row.kind === kind)) return row;
      const found = await search(await outline.children(row));
      if (found) return found;
    }
    return undefined;
  };
  const row = await search(await outline.children(undefined));
  if (!row) throw new Error(`There is no row ${label}.`);
  return row;
}

/** Removes the indentation of a template string. */
export function lines(text: string): string {
  const rows = text.split("\n").slice(1, -1);
  const indent = Math.min(...rows.filter((row) => row.trim() !== "").map((row) => row.search(/\S/)));
  // The marks of expandable rows take the first column; rows without one begin with two spaces.
  return rows.map((row) => row.slice(indent)).join("\n");
}
