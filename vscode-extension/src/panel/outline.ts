/** The merged stacks as the lines of a tree: the same as is drawn, to be read. */

import { innermost, type EdgeKind, type StackBox, type Stacks } from "./messages";

export interface OutlineLine {
  readonly key: string;
  /** The box that it belongs to. */
  readonly box: string;
  /** From 1. */
  readonly level: number;
  readonly text: string;
  readonly detail: string;
  readonly tone?: "error" | "warning";
  /** Undefined if nothing stands below it. */
  readonly isOpen?: boolean;
  /** Where a click leads. */
  readonly leadsTo:
    | { readonly kind: "frame"; readonly index: number }
    | { readonly kind: "member"; readonly key: string }
    | { readonly kind: "box"; readonly box: string }
    | undefined;
  /** Which of how many that stand below the same one. */
  readonly position: number;
  readonly size: number;
}

const WORDS: Readonly<Record<EdgeKind, string>> = { awaits: "Awaits", holder: "Held by", runs: "Runs" };

export function boxKey(id: string): string {
  return `box ${id}`;
}

/**
 * @param closed keys of lines below which nothing is shown
 * @param hits the boxes to show, with those that they stand below; undefined for all
 */
export function outlineOf(
  { boxes, edges }: Stacks,
  closed: ReadonlySet<string>,
  hits: ReadonlySet<string> | undefined,
): OutlineLine[] {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const seen = new Set<string>();
  for (const id of hits ?? byId.keys()) {
    for (let above: string | undefined = id; above !== undefined; above = byId.get(above)?.parent) seen.add(above);
  }
  const children = new Map<string | undefined, StackBox[]>();
  for (const box of boxes) {
    if (!seen.has(box.id)) continue;
    const siblings = children.get(box.parent);
    if (siblings) siblings.push(box);
    else children.set(box.parent, [box]);
  }
  const lines: OutlineLine[] = [];
  const add = (box: StackBox, level: number, position: number, size: number): void => {
    const key = boxKey(box.id);
    const isOpen = !closed.has(key);
    const { tone } = box;
    const text = box.isCurrent ? `${box.title} (stopped here)` : box.title;
    const leadsTo = { kind: "frame", index: innermost(box) } as const;
    const base = { key, box: box.id, level, text, detail: box.detail, isOpen, leadsTo, position, size };
    lines.push(tone ? { ...base, tone } : base);
    if (!isOpen) return;
    const below: Pick<OutlineLine, "text" | "detail" | "leadsTo">[] = [
      ...box.frames.map((frame, index) => ({
        text: frame.name,
        detail: frame.folded?.join(", ") ?? frame.place,
        leadsTo: { kind: "frame", index } as const,
      })),
      ...(box.members.length > 1 ? box.members : []).map(({ key: member, name, detail }) => ({
        text: name,
        detail,
        leadsTo: { kind: "member", key: member } as const,
      })),
    ];
    if (box.moreMembers > 0) {
      below.push({ text: `and ${box.moreMembers.toLocaleString("en-US")} more`, detail: "", leadsTo: undefined });
    }
    for (const { from, to, kind, count, isBad } of edges) {
      const target = byId.get(to);
      if (from !== box.id || !target || from === to) continue;
      const amount = count === 1 ? "" : ` (${count.toLocaleString("en-US")} waits)`;
      const detail = isBad ? "in a circle" : (target.frames[target.frames.length - 1]?.name ?? "");
      below.push({ text: `${WORDS[kind]} ${target.title}${amount}`, detail, leadsTo: { kind: "box", box: to } });
    }
    const boxesBelow = children.get(box.id) ?? [];
    const total = below.length + boxesBelow.length;
    below.forEach((line, index) => {
      const number = index + 1;
      lines.push({ key: `${key} ${index}`, box: box.id, level: level + 1, position: number, size: total, ...line });
    });
    boxesBelow.forEach((child, index) => add(child, level + 1, below.length + index + 1, total));
  };
  const roots = children.get(undefined) ?? [];
  roots.forEach((root, index) => add(root, 1, index + 1, roots.length));
  return lines;
}
