/** Source text of `with` items: what the protocol leaves to the client, which has the files. */

import type { Location } from "../protocol";

/** Larger files (characters) are not read. */
const LARGEST_FILE = 10_000_000;

/** Lines further down are not looked for. */
const MOST_FILE_LINES = 1_000_000;

/** The lines of files, each read once. */
export class Files {
  readonly #lines = new Map<string, Promise<readonly string[]>>();

  constructor(private readonly read: (path: string) => Promise<string>) {}

  /** The lines of a file; none if it cannot be read. */
  lines(path: string): Promise<readonly string[]> {
    let lines = this.#lines.get(path);
    if (!lines) {
      lines = this.read(path).then(
        (text) => (text.length > LARGEST_FILE ? [] : text.split(/\r\n|\r|\n/)),
        () => [],
      );
      this.#lines.set(path, lines);
    }
    return lines;
  }
}

/** Lines where they are in their file, with nothing between them. */
export function textOfLines(lines: ReadonlyMap<number, string>): string {
  const numbers = [...lines.keys()].filter((number) => number <= MOST_FILE_LINES);
  const last = numbers.reduce((most, number) => Math.max(most, number), 0);
  return Array.from({ length: last }, (_, index) => lines.get(index + 1) ?? "").join("\n");
}

/** Longer statements (lines) are not looked at to their end. */
const MOST_LINES = 50;

/**
 * The text of one item of a `with` statement, without the keyword, in one line; undefined if it cannot be told.
 *
 * @param location of the item (CPython 3.11 and later, PyPy) or of the statement (before)
 * @param ordinal which item of the statement it is, from 0, if the location is that of a statement
 */
export function withItem(lines: readonly string[], location: Location, ordinal: number): string | undefined {
  const { line, column } = location;
  if (line === undefined) return undefined;
  const [first, ...others] = lines.slice(line - 1, line - 1 + MOST_LINES);
  if (first === undefined) return undefined;
  const text = [first.slice(column === undefined ? 0 : column - 1), ...others].join("\n");
  const keyword = /^\s*(async\s+)?with\b/.exec(text);
  if (keyword) return itemsAfter(text.slice(keyword[0].length))?.[ordinal];
  return column === undefined ? undefined : itemAt(text);
}

/** The items that follow a keyword. */
function itemsAfter(text: string): string[] | undefined {
  // Parentheses around all items are not those of an expression: the statement's colon follows.
  const start = text.search(/\S/);
  if (text[start] === "(") {
    const inner = scan(text, start + 1, ")");
    const rest = inner && /^\)\s*:/.test(text.slice(inner.end));
    if (inner && rest === true) return inner.items;
  }
  return scan(text, 0, ":")?.items;
}

/** The item that begins the text, up to whatever ends it. */
function itemAt(text: string): string | undefined {
  const [first] = (scan(text, 0, ":") ?? scan(text, 0, ")"))?.items ?? [];
  return first;
}

/** What is separated by commas, up to the character `last` outside of all brackets. */
function scan(text: string, start: number, last: ":" | ")"): { items: string[]; end: number } | undefined {
  const items: string[] = [];
  let item = "";
  let depth = 0;
  const finish = (): void => {
    const tidy = item.replace(/\s+/g, " ").trim();
    if (tidy !== "") items.push(tidy);
    item = "";
  };
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index);
    if (depth === 0 && character === last) {
      finish();
      return { items, end: index };
    }
    if (character === "#") {
      const end = text.indexOf("\n", index);
      if (end < 0) return undefined;
      index = end - 1;
    } else if (character === '"' || character === "'") {
      const end = endOfString(text, index);
      if (end === undefined) return undefined;
      item += text.slice(index, end);
      index = end - 1;
    } else if (character === "," && depth === 0) {
      finish();
    } else if (character === "\\" && text[index + 1] === "\n") {
      item += " ";
      index += 1;
    } else {
      if ("([{".includes(character)) depth += 1;
      if (")]}".includes(character)) depth -= 1;
      if (depth < 0) return undefined;
      item += character;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` has ended. */
function endOfString(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  const delimiter = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let index = start + delimiter.length; index < text.length; index++) {
    if (text[index] === "\\") index += 1;
    else if (text.startsWith(delimiter, index)) return index + delimiter.length;
  }
  return undefined;
}

/** Lines, counted from 0, and the column that its statement begins at. */
export interface Block {
  readonly first: number;
  readonly last: number;
  readonly indent: number;
}

/**
 * The block of a `with` statement, or undefined if it cannot be told.
 *
 * @param location of an item, or of the statement
 * @param inside a line that is in the block, counted from 1: what looks like its end before is none
 */
export function withBlock(lines: readonly string[], location: Location, inside: number): Block | undefined {
  const from = (location.line ?? 0) - 1;
  for (let first = from; first >= Math.max(0, from - MOST_LINES); first--) {
    const header = /^(\s*)(?:async\s+)?with\b/.exec(lines[first] ?? "");
    if (!header) continue;
    const indent = header[1]?.length ?? 0;
    let last = Math.max(from, inside - 1);
    for (let line = last + 1; line < lines.length; line++) {
      const text = lines[line] ?? "";
      const start = text.search(/\S/);
      if (start < 0 || text.charAt(start) === "#") continue;
      if (start <= indent && text.charAt(start) !== ")") break;
      last = line;
    }
    return { first, last, indent };
  }
  return undefined;
}
