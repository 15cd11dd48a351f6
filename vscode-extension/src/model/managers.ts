/** The words for context managers. */

import type { Context } from "../protocol";

export interface Described {
  /** Such as "Lock" or "connection()". */
  readonly what: string;
  /** Such as "locked, 1 waiting" or "3 entries". */
  readonly how?: string;
}

/** What the manager is, and how. */
export function describe(context: Context): Described {
  const { manager, description } = context;
  const what = manager && lastPart(manager.type);
  if (description === undefined) return { what: what ?? "unknown context manager" };
  const state = stateOf(context);
  if (what !== undefined && state !== undefined) return { what, how: state };
  const [name, entries] = description.split(/ with (?=\w+ entr(?:y|ies)$)/);
  return name !== undefined && entries !== undefined ? { what: name, how: entries } : { what: description };
}

/** The description if it says only how the manager is, not what: two of one type may have the same. */
export function stateOf({ manager, description }: Context): string | undefined {
  const name = manager && lastPart(manager.type).toLowerCase();
  if (description === undefined || name === undefined || description.includes("(")) return undefined;
  return description.toLowerCase().split(/\W+/).includes(name) ? undefined : description;
}

/** The last part of a dotted name. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
