/** How the rows of the table are searched, sorted and grouped. */

import { COLUMNS, type Column, type TaskRow } from "./messages";

export interface Arrangement {
  /** Words that must all occur in a row, in upper or lower case. */
  readonly search: string;
  readonly sort: { readonly column: Column; readonly descending: boolean } | undefined;
  readonly group: Column | undefined;
}

export interface GroupLine {
  readonly kind: "group";
  readonly key: string;
  /** What its rows have in common; empty if that they have nothing there. */
  readonly text: string;
  readonly count: number;
  readonly isOpen: boolean;
}

export interface TaskLine {
  readonly kind: "task";
  readonly key: string;
  readonly row: TaskRow;
}

export type Line = GroupLine | TaskLine;

/** Names with numbers in them by these: "Task-2" comes before "Task-10". */
const { compare } = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const texts = new WeakMap<TaskRow, string>();

/** The rows that are to be seen. */
export function found(rows: readonly TaskRow[], search: string, hidden: readonly Column[]): readonly TaskRow[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return rows;
  const ignored = new Set(hidden.map(indexOf));
  return rows.filter((row) => {
    let text = texts.get(row);
    if (text === undefined) {
      text = row.cells
        .filter((_, index) => !ignored.has(index))
        .join("\n")
        .toLowerCase();
      texts.set(row, text);
    }
    return words.every((word) => text.includes(word));
  });
}

/** The lines of the table: rows, below their groups if there are any. */
export function arranged(rows: readonly TaskRow[], { sort, group }: Arrangement, closed: ReadonlySet<string>): Line[] {
  const ordered = sort ? sorted(rows, sort.column, sort.descending) : rows;
  if (group === undefined) return ordered.map(lineOf);
  const members = new Map<string, TaskRow[]>();
  for (const row of ordered) {
    const text = cellOf(row, group);
    const known = members.get(text);
    if (known) known.push(row);
    else members.set(text, [row]);
  }
  const groups = [...members];
  // Sorted rows have brought the groups of their column into order; else states that are bad come first, or the largest.
  const rank = ([, its]: [string, TaskRow[]]): number =>
    its.length + (group === "state" && its.some(({ tone }) => tone === "error") ? 1e9 : 0);
  if (sort?.column !== group) groups.sort((one, other) => rank(other) - rank(one));
  return groups.flatMap(([text, its]): Line[] => {
    const key = groupKey(group, text);
    const isOpen = !closed.has(key);
    const line: GroupLine = { kind: "group", key, text, count: its.length, isOpen };
    return isOpen ? [line, ...its.map(lineOf)] : [line];
  });
}

export function groupKey(column: Column, text: string): string {
  return `group ${column} ${text}`;
}

export function cellOf(row: TaskRow, column: Column): string {
  return row.cells[indexOf(column)] ?? "";
}

function indexOf(column: Column): number {
  return COLUMNS.indexOf(column);
}

function lineOf(row: TaskRow): TaskLine {
  return { kind: "task", key: row.key, row };
}

/** Rows with nothing in the column come last either way. */
function sorted(rows: readonly TaskRow[], column: Column, descending: boolean): TaskRow[] {
  // Few texts differ where there are many rows: each is compared once.
  const values = [...new Set(rows.map((row) => cellOf(row, column)))].sort(compare);
  if (descending) values.reverse();
  const ranks = new Map(values.map((text, index) => [text, text === "" ? Infinity : index]));
  const rank = (row: TaskRow): number => ranks.get(cellOf(row, column)) ?? Infinity;
  const order = (one: number, other: number): number => (one === other ? 0 : one < other ? -1 : 1);
  return [...rows].sort((one, other) => order(rank(one), rank(other)));
}
