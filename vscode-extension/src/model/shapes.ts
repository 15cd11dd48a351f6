/** From the shapes of the protocol to stacks. */

import { VARYING, type ActivityStack, type Stack, type StacksResponse } from "../protocol";

type Values = readonly (number | string)[];

const varying: ReadonlySet<string> = new Set(VARYING);

/** The stack of an activity, if the answer has it. */
export function expandStack(entry: ActivityStack, { shapes }: StacksResponse): Stack | undefined {
  const shape = entry.shape === undefined ? undefined : shapes[entry.shape];
  return shape && (expand(shape, entry.values ?? []) as Stack);
}

/** A part of a shape with the values in it; the helper limits how deep it recurses. */
function expand(shape: unknown, values: Values): unknown {
  if (typeof shape !== "object" || shape === null) return shape;
  if (Array.isArray(shape)) return shape.map((item) => expand(item, values));
  const part = (key: string, item: unknown): unknown =>
    varying.has(key) ? values[item as number] : expand(item, values);
  return Object.fromEntries(Object.entries(shape).map(([key, item]) => [key, part(key, item)]));
}
