/** Where the boxes of the merged stacks stand, and how the lines between them run. */

import { graphlib, layout } from "@dagrejs/dagre";
import type { EdgeKind, StackBox, StackFrame, Stacks } from "./messages";

/** Sizes (px). */
export const ROW = 17;
export const PADDING = 8;
const LABEL_HEIGHT = 14;
/** Longest texts (characters); the whole text is in the tooltip. */
const LONGEST = 46;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedBox {
  readonly box: StackBox;
  /** The upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedLine {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind | "calls";
  readonly isBad: boolean;
  readonly points: readonly Point[];
  /** Empty for calls. */
  readonly label: string;
  /** Undefined if there is no room for it. */
  readonly labelAt?: Point;
}

export interface Drawing {
  readonly boxes: readonly PlacedBox[];
  readonly lines: readonly PlacedLine[];
  readonly width: number;
  readonly height: number;
}

const WORDS: Readonly<Record<EdgeKind, string>> = { awaits: "awaits", holder: "held by", runs: "runs" };

type Link = Omit<PlacedLine, "points" | "labelAt">;

/** A part of the drawing that stands for itself, from its own upper left corner. */
interface Part {
  readonly boxes: readonly PlacedBox[];
  readonly lines: readonly PlacedLine[];
  readonly width: number;
  readonly height: number;
}

/** Up to how many boxes and lines waits have a say in where boxes stand: beyond, it would take seconds to find out. */
const MOST_TOGETHER = 150;
/** How much wider than high the whole is to be. */
const ASPECT = 2.5;
const GAP = 18;

/** Calls go from left to right, and so do waits where they can. */
export function drawingOf({ boxes, edges }: Stacks, charWidth: number): Drawing {
  const calls: Link[] = boxes.flatMap(({ id, parent }) =>
    parent === undefined ? [] : [{ from: parent, to: id, kind: "calls", isBad: false, label: "" }],
  );
  const waits: Link[] = edges
    .filter(({ from, to }) => from !== to)
    .map(({ from, to, kind, count, isBad }) => {
      const label = count === 1 ? WORDS[kind] : `${WORDS[kind]} × ${count.toLocaleString("en-US")}`;
      return { from, to, kind, isBad, label };
    });
  const parts: Part[] = [];
  const direct: Link[] = [];
  for (const group of components(boxes, [...calls, ...waits])) {
    if (group.boxes.length + group.links.length <= MOST_TOGETHER) {
      parts.push(partOf(group, charWidth));
      continue;
    }
    direct.push(...group.links.filter(({ kind }) => kind !== "calls"));
    const alone = group.links.filter(({ kind }) => kind === "calls");
    for (const tree of components(group.boxes, alone)) parts.push(partOf(tree, charWidth));
  }
  const packed = pack(parts);
  const byId = new Map(packed.boxes.map((placed) => [placed.box.id, placed]));
  const crossing = direct.flatMap((link): PlacedLine[] => {
    const [from, to] = [byId.get(link.from), byId.get(link.to)];
    return from && to ? [{ ...link, points: between(from, to) }] : [];
  });
  const widest = Math.max(packed.width, ...crossing.flatMap(({ points }) => points.map(({ x }) => x + GAP)));
  return { ...packed, lines: [...packed.lines, ...crossing], width: widest };
}

interface Group {
  readonly boxes: readonly StackBox[];
  readonly links: readonly Link[];
}

/** What hangs together, in the order of the first boxes. */
function components(boxes: readonly StackBox[], links: readonly Link[]): Group[] {
  const above = new Map(boxes.map(({ id }) => [id, id]));
  const root = (id: string): string => {
    let current = id;
    for (;;) {
      const next = above.get(current) ?? current;
      if (next === current) return current;
      above.set(current, above.get(next) ?? next);
      current = next;
    }
  };
  for (const { from, to } of links) above.set(root(from), root(to));
  const groups = new Map<string, { boxes: StackBox[]; links: Link[] }>();
  for (const box of boxes) {
    const known = groups.get(root(box.id));
    if (known) known.boxes.push(box);
    else groups.set(root(box.id), { boxes: [box], links: [] });
  }
  for (const link of links) groups.get(root(link.from))?.links.push(link);
  return [...groups.values()];
}

function partOf({ boxes, links }: Group, charWidth: number): Part {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, edgesep: 8, ranksep: 44 });
  for (const box of boxes) {
    const widest = Math.max(...textsOf(box).map((text) => text.length));
    graph.setNode(box.id, {
      width: Math.ceil(widest * charWidth) + 2 * PADDING,
      height: textsOf(box).length * ROW + PADDING,
    });
  }
  links.forEach(({ from, to, kind, label }, index) => {
    const size =
      label === "" ? {} : { width: Math.ceil(label.length * charWidth), height: LABEL_HEIGHT, labelpos: "c" };
    graph.setEdge(from, to, { weight: kind === "calls" ? 4 : 1, ...size }, String(index));
  });
  layout(graph);
  const lines = links.map((link, index): PlacedLine => {
    const { points, x, y } = graph.edge(link.from, link.to, String(index)) as {
      points: Point[];
      x?: number;
      y?: number;
    };
    return { ...link, points, ...(x !== undefined && y !== undefined && link.label !== "" && { labelAt: { x, y } }) };
  });
  const placed = boxes.map((box): PlacedBox => {
    const { x, y, width, height } = graph.node(box.id) as Point & { width: number; height: number };
    return { box, x: x - width / 2, y: y - height / 2, width, height };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { boxes: placed, lines, width, height };
}

/** The parts in columns, one below the other, so that all of it is as wide as the place for it. */
function pack(parts: readonly Part[]): Drawing {
  const area = parts.reduce((sum, { width, height }) => sum + (width + GAP) * (height + GAP), 0);
  const limit = Math.max(Math.sqrt(area / ASPECT), ...parts.map(({ height }) => height));
  let [x, y, column, bottom] = [GAP, GAP, 0, 0];
  const boxes: PlacedBox[] = [];
  const lines: PlacedLine[] = [];
  for (const part of parts) {
    if (y > GAP && y + part.height > limit + GAP) {
      x += column + 2 * GAP;
      [y, column] = [GAP, 0];
    }
    const [left, top] = [x, y];
    const moved = (point: Point): Point => ({ x: point.x + left, y: point.y + top });
    boxes.push(...part.boxes.map((placed) => ({ ...placed, ...moved(placed) })));
    for (const line of part.lines) {
      const labelAt = line.labelAt && moved(line.labelAt);
      lines.push({ ...line, points: line.points.map(moved), ...(labelAt && { labelAt }) });
    }
    y += part.height + GAP;
    bottom = Math.max(bottom, y);
    column = Math.max(column, part.width);
  }
  return { boxes, lines, width: x + column + GAP, height: bottom };
}

/** A line that goes its own way from one box to another. */
function between(from: PlacedBox, to: PlacedBox): Point[] {
  const [startY, endY] = [from.y + from.height / 2, to.y + to.height / 2];
  const isAhead = to.x >= from.x + from.width;
  const start = { x: from.x + from.width, y: startY };
  const end = { x: isAhead ? to.x : to.x + to.width, y: endY };
  const reach = 24 + Math.abs(endY - startY) / 12;
  const turn = isAhead ? end.x - reach : Math.max(start.x, end.x) + reach;
  return [start, { x: start.x + reach, y: startY }, { x: turn, y: endY }, end];
}

/** The rows of a box: title, frames, and what those do that end here. */
export function textsOf(box: StackBox): string[] {
  const rows = [cut(box.title), ...box.frames.map((frame) => frameText(frame))];
  return box.detail === "" ? rows : [...rows, cut(box.detail)];
}

export function frameText({ name, place }: StackFrame): string {
  return place === "" ? cut(name) : `${cut(name)}  ${place}`;
}

export function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** A curve along the points, as SVG has paths. */
export function curve(points: readonly Point[]): string {
  const [first, ...others] = points;
  const last = others.pop();
  if (!first || !last) return "";
  let path = `M${round(first)}`;
  others.forEach((point, index) => {
    const next = others[index + 1] ?? last;
    const middle = index + 1 < others.length ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last;
    path += `Q${round(point)} ${round(middle)}`;
  });
  return others.length === 0 ? `${path}L${round(last)}` : path;
}

/** The head of an arrow at the end of the points. */
export function head(points: readonly Point[]): string {
  const [before, end] = points.slice(-2);
  if (!before || !end) return "";
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const corner = (turn: number): Point => ({
    x: end.x - 8 * Math.cos(angle + turn),
    y: end.y - 8 * Math.sin(angle + turn),
  });
  return `M${round(end)}L${round(corner(0.4))}L${round(corner(-0.4))}Z`;
}

function round({ x, y }: Point): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

/** The box that comes next in a direction: the nearest one, sooner far ahead than aside. */
export function nextBox(
  boxes: readonly PlacedBox[],
  from: PlacedBox,
  direction: "left" | "right" | "up" | "down",
): PlacedBox | undefined {
  const center = ({ x, y, width, height }: PlacedBox): Point => ({ x: x + width / 2, y: y + height / 2 });
  const start = center(from);
  const distance = (box: PlacedBox): number => {
    const { x, y } = center(box);
    const [dx, dy] = [x - start.x, y - start.y];
    const ahead = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const aside = direction === "left" || direction === "right" ? dy : dx;
    return ahead <= 1 ? Infinity : ahead + 2 * Math.abs(aside);
  };
  let best: PlacedBox | undefined;
  for (const box of boxes) {
    if (box !== from && distance(box) < (best ? distance(best) : Infinity)) best = box;
  }
  return best;
}

/** The boxes with all words of a search, in upper or lower case; undefined if nothing is searched. */
export function hitsOf({ boxes }: Stacks, search: string): ReadonlySet<string> | undefined {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return undefined;
  const hits = boxes.filter((box) => {
    const members = box.members.map(({ name }) => name);
    const frames = box.frames.flatMap(({ name, place, folded = [] }) => [name, place, ...folded]);
    const text = [box.title, box.detail, ...frames, ...members].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return new Set(hits.map(({ id }) => id));
}

/** A box with those before and after it in its stacks; without one, what leads to where the program has stopped. */
export function branchOf({ boxes }: Stacks, id: string | undefined): ReadonlySet<string> {
  const parents = new Map(boxes.map((box) => [box.id, box.parent]));
  if (id === undefined) return new Set(boxes.filter(({ isCurrent }) => isCurrent).map((box) => box.id));
  const branch = new Set<string>();
  for (let above: string | undefined = id; above !== undefined; above = parents.get(above)) branch.add(above);
  for (const { id: each } of boxes) {
    for (let above: string | undefined = each; above !== undefined; above = parents.get(above)) {
      if (above === id) branch.add(each);
    }
  }
  return branch;
}
