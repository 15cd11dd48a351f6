/** Merges the stacks of all activities, from the outermost frame on, into boxes with edges between them. */

import type { Activity, Capture, LoadedStack } from "../model/capture";
import { CaptureEnded } from "../model/capture";
import { stuck, troubles } from "../model/findings";
import { count, nameIn, place, shortWait } from "../model/labels";
import { sourceOf } from "../model/rows";
import type { Session } from "../model/store";
import type { ActivityKind, Frame, SourceRef } from "../protocol";
import type { EdgeKind, StackBox, StackEdge, StackFrame, StackMember, Stacks } from "./messages";
import { keyOf } from "./table";

/** Most different stacks that are read and drawn: more could neither be laid out in time nor be looked at. */
export const MOST_STACKS = 300;
/** Most activities that a box names, and most holders of one wait that have edges. */
const MOST_MEMBERS = 20;
const MOST_HOLDERS = 20;
/** Most lines between boxes. */
const MOST_EDGES = 1000;

/** How long (ms) it works before others have their turn. */
const TURN = 8;

/** What a frame of a box stands for. */
export interface Target {
  readonly capture: Capture;
  readonly activity: Activity;
  readonly frame: Frame;
  readonly sources: readonly SourceRef[];
}

export interface Parallel {
  readonly message: Stacks;
  /** By box, for each of its frames; undefined for frames that are folded. */
  readonly targets: ReadonlyMap<string, readonly (Target | undefined)[]>;
}

/** Activities with the same stack. */
interface Alike {
  readonly session: Session;
  readonly capture: Capture;
  readonly first: Activity;
  readonly members: Activity[];
  stack: LoadedStack | undefined;
  /** Why there is no stack, or not all of it. */
  problem: string;
}

interface Piece {
  readonly key: string;
  readonly shown: StackFrame;
  readonly target: Target | undefined;
}

/** A frame of the merged stacks. */
interface Node {
  readonly key: string;
  readonly piece: Piece;
  readonly children: Map<string, Node>;
  readonly kinds: Map<ActivityKind, number>;
  readonly ended: Alike[];
  isCurrent: boolean;
}

/**
 * Read one of each kind of stack, and merge them.
 *
 * @param isFolded whether frames of libraries are one piece
 * @param progress is told how many stacks have been read, and of how many
 */
export async function parallelStacks(
  sessions: readonly Session[],
  isFolded: boolean,
  progress: (read: number, total: number) => void,
): Promise<Parallel> {
  const all = sessions.flatMap((session) => (session.capture ? alike(session, session.capture) : []));
  const chosen = all.slice(0, MOST_STACKS);
  let read = 0;
  await Promise.all(
    chosen.map(async (each) => {
      try {
        each.stack = await each.capture.stack(each.first.info.id);
        each.problem = each.stack.stack.error ?? "";
      } catch (error) {
        if (error instanceof CaptureEnded) throw error;
        each.problem = error instanceof Error ? error.message : String(error);
      }
      read += 1;
      progress(read, chosen.length);
    }),
  );
  const left = all.slice(MOST_STACKS).reduce((sum, { members }) => sum + members.length, 0);
  const note =
    left === 0
      ? ""
      : `The most important ${MOST_STACKS} different stacks are drawn; ${count(left, "task")} have others.`;
  const merged = await new Merger(isFolded).merge(chosen, note);
  for (const { capture } of chosen) capture.check();
  return merged;
}

/** Those with the same stack together: what is wrong first, then what most have. */
function alike(session: Session, capture: Capture): Alike[] {
  const bad = stuck([capture]);
  const groups = new Map<string, Alike>();
  const first = new Set<Alike>();
  for (const activity of capture.activities) {
    const { id, kind, signature, failure } = activity.info;
    const key = signature === undefined || failure !== undefined ? id : `${kind} ${signature}`;
    let group = groups.get(key);
    if (group) group.members.push(activity);
    else {
      group = { session, capture, first: activity, members: [activity], stack: undefined, problem: "" };
      groups.set(key, group);
    }
    if (bad.has(`0 ${id}`) || failure !== undefined || kind === "thread") first.add(group);
  }
  const rank = (group: Alike): number => group.members.length + (first.has(group) ? 1e9 : 0);
  return [...groups.values()].sort((one, other) => rank(other) - rank(one));
}

class Merger {
  readonly #boxes: StackBox[] = [];
  readonly #targets = new Map<string, (Target | undefined)[]>();
  /** The box where an activity stands, by its key. */
  readonly #standing = new Map<string, string>();
  readonly #edges = new Map<string, StackEdge>();
  #since = performance.now();
  readonly #wrong = new Map<Capture, ReturnType<typeof troubles>>();
  /** What a thread goes on in. */
  readonly #running: [from: string, to: string][] = [];

  constructor(private readonly isFolded: boolean) {}

  async merge(groups: readonly Alike[], note: string): Promise<Parallel> {
    const roots = new Map<string, Node>();
    for (const group of groups) {
      this.#insert(roots, group, currentOf(groups, group));
      await this.#pace();
    }
    for (const root of roots.values()) await this.#box(root, undefined, root.key);
    for (const group of groups) {
      this.#waits(group);
      await this.#pace();
    }
    for (const [from, to] of this.#running) this.#edge(from, to, "runs", false);
    const edges = [...this.#edges.values()].sort((one, other) => Number(other.isBad) - Number(one.isBad));
    const left = Math.max(edges.length - MOST_EDGES, 0);
    const rest = left === 0 ? "" : `${count(left, "line")} between boxes are left out.`;
    const notes = [note, rest].filter((text) => text !== "").join(" ");
    const message: Stacks = { type: "stacks", boxes: this.#boxes, edges: edges.slice(0, MOST_EDGES), note: notes };
    return { message, targets: this.#targets };
  }

  /** Let others have their turn now and then. */
  async #pace(): Promise<void> {
    if (performance.now() - this.#since < TURN) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }

  #insert(roots: Map<string, Node>, group: Alike, isCurrent: boolean): void {
    const { session, members } = group;
    const { kind } = group.first.info; // signatures tell kinds apart
    let level = roots;
    let last: Node | undefined;
    for (const piece of this.#pieces(group)) {
      const key = last ? piece.key : `${session.id} ${piece.key}`;
      let node = level.get(key);
      if (!node) {
        node = { key, piece, children: new Map(), kinds: new Map(), ended: [], isCurrent: false };
        level.set(key, node);
      }
      node.kinds.set(kind, (node.kinds.get(kind) ?? 0) + members.length);
      node.isCurrent ||= isCurrent;
      level = node.children;
      last = node;
    }
    last?.ended.push(group);
  }

  /** What is shown of a stack, outermost first; never nothing. */
  #pieces(group: Alike): Piece[] {
    const { capture, first, stack, problem, session } = group;
    const sources = stack?.sources ?? [];
    let frames = stack?.stack.frames ?? [];
    // What goes on as another activity is drawn there.
    const goesOn = frames.map(({ activityId }) => activityId !== undefined).lastIndexOf(true);
    const other = frames[goesOn]?.activityId;
    if (other !== undefined && capture.activity(other)) {
      for (const { info } of group.members) this.#running.push([keyOf(session, info.id), keyOf(session, other)]);
      frames = frames.slice(goesOn + 1);
    }
    const hasOwn = frames.some(({ hidden, library }) => hidden !== true && library !== true);
    const hasShown = frames.some(({ hidden }) => hidden !== true);
    const isLibrary = ({ hidden, library }: Frame): boolean =>
      (hidden === true && hasShown) || (library === true && hasOwn);
    const pieces: Piece[] = [];
    let folded: Frame[] = [];
    const flush = (): void => {
      if (folded.length > 0) pieces.push(foldedPiece(folded));
      folded = [];
    };
    for (const frame of [...frames].reverse()) {
      if (this.isFolded && isLibrary(frame)) {
        folded.push(frame);
        continue;
      }
      flush();
      const path = sourceOf(frame.location, sources)?.path;
      const where = place(frame.location, sources);
      const shown = {
        name: frame.name,
        place: where,
        ...(path !== undefined && { path }),
        isLibrary: isLibrary(frame),
      };
      const key = JSON.stringify([frame.name, path ?? where, frame.location.line]);
      pieces.push({ key, shown, target: { capture, activity: first, frame, sources } });
    }
    flush();
    if (pieces.length > 0 && problem === "") return pieces;
    const name = problem !== "" ? problem : first.info.state === "created" ? "Not started" : "No frames";
    return [...pieces, { key: name, shown: { name, place: "", isLibrary: true }, target: undefined }];
  }

  /** Make a box of a frame and those after it that the same activities have, and go on with those below. */
  async #box(first: Node, parent: string | undefined, path: string): Promise<void> {
    await this.#pace();
    const nodes = [first];
    let last = first;
    for (;;) {
      const [next, ...others] = last.children.values();
      if (!next || others.length > 0 || last.ended.length > 0) break;
      nodes.push(next);
      last = next;
    }
    const id = hash(path);
    const members = last.ended.flatMap((group) => group.members.map((activity) => ({ group, activity })));
    const total = [...first.kinds.values()].reduce((sum, amount) => sum + amount, 0);
    const only = total === 1 ? members[0]?.activity.info.name : undefined;
    const texts = new Set<string>();
    let tone: StackBox["tone"];
    for (const { capture, members: its } of last.ended) {
      const wrong = this.#troubles(capture);
      for (const { info } of its) {
        const trouble = wrong.get(info.id);
        if (info.failure !== undefined || trouble?.isFact === true) tone = "error";
        else if (trouble && tone === undefined) tone = "warning";
        const state = info.failure === undefined ? (trouble?.words ?? info.state) : `failed with ${info.failure}`;
        const wait = shortWait(info, nameIn(capture));
        texts.add(wait === undefined ? state : state === "suspended" ? wait : `${state}: ${wait}`);
      }
    }
    const [text = "", ...others] = texts;
    this.#boxes.push({
      id,
      ...(parent !== undefined && { parent }),
      title: only ?? amounts(first.kinds),
      detail: others.length === 0 ? text : `${text}, and ${others.length} more`,
      frames: nodes.map(({ piece }) => piece.shown),
      ...(tone && { tone }),
      isCurrent: first.isCurrent,
      members: members.slice(0, MOST_MEMBERS).map(({ group, activity }) => memberOf(group, activity)),
      moreMembers: Math.max(members.length - MOST_MEMBERS, 0),
    });
    this.#targets.set(
      id,
      nodes.map(({ piece }) => piece.target),
    );
    for (const { group, activity } of members) this.#standing.set(keyOf(group.session, activity.info.id), id);
    for (const child of last.children.values()) await this.#box(child, id, `${path}\n${child.key}`);
  }

  #troubles(capture: Capture): ReturnType<typeof troubles> {
    let found = this.#wrong.get(capture);
    if (!found) this.#wrong.set(capture, (found = troubles(capture)));
    return found;
  }

  #waits({ session, capture, members }: Alike): void {
    const known = circlesIn(capture);
    for (const { info } of members) {
      const { activityIds = [], holders = [] } = info.waitsFor ?? {};
      const held = new Set(holders.slice(0, MOST_HOLDERS).map(({ activityId }) => activityId));
      const awaited = activityIds.slice(0, MOST_HOLDERS).filter((id) => !held.has(id));
      const isBad = (id: string): boolean => known.some((circle) => circle.has(info.id) && circle.has(id));
      for (const id of held) this.#edge(keyOf(session, info.id), keyOf(session, id), "holder", isBad(id));
      for (const id of awaited) this.#edge(keyOf(session, info.id), keyOf(session, id), "awaits", isBad(id));
    }
  }

  #edge(fromKey: string, toKey: string, kind: EdgeKind, isBad: boolean): void {
    const [from, to] = [this.#standing.get(fromKey), this.#standing.get(toKey)];
    if (from === undefined || to === undefined) return;
    const key = `${from} ${to} ${kind}`;
    const known = this.#edges.get(key);
    this.#edges.set(key, { from, to, kind, count: (known?.count ?? 0) + 1, isBad: isBad || known?.isBad === true });
  }
}

const circles = new WeakMap<Capture, readonly ReadonlySet<string>[]>();

/** Those that wait for each other, for each deadlock. */
function circlesIn(capture: Capture): readonly ReadonlySet<string>[] {
  let found = circles.get(capture);
  // Findings come with the first page, and there is no stack before it.
  if (!found) {
    const deadlocks = capture.findings.filter(({ kind }) => kind === "deadlock");
    circles.set(capture, (found = deadlocks.map(({ activityIds }) => new Set(activityIds))));
  }
  return found;
}

function foldedPiece(frames: readonly Frame[]): Piece {
  const names = frames.map(({ name }) => name);
  const name = count(frames.length, "library frame");
  return {
    key: `folded ${names.join(" ")}`,
    shown: { name, place: "", isLibrary: true, folded: names },
    target: undefined,
  };
}

/** Whether it is where the program stopped: the thread, or what goes on in it. */
function currentOf(groups: readonly Alike[], { session, capture, members }: Alike): boolean {
  if (!session.paused || session.stop.threadId === undefined) return false;
  const thread = groups.find(
    (each) => each.capture === capture && each.first.info.dapThreadId === session.stop.threadId,
  );
  const ids = new Set((thread?.stack?.stack.frames ?? []).map(({ activityId }) => activityId));
  return members.some(({ info }) => info === thread?.first.info || ids.has(info.id));
}

function memberOf({ session, capture }: Alike, { info }: Activity): StackMember {
  return { key: keyOf(session, info.id), name: info.name, detail: shortWait(info, nameIn(capture)) ?? info.state };
}

function amounts(kinds: ReadonlyMap<ActivityKind, number>): string {
  return [...kinds].map(([kind, amount]) => count(amount, kind.replace("_", " "))).join(", ");
}

/** A short name for a path, the same at each stop (FNV-1a, 2 x 32 bits). */
function hash(text: string): string {
  let [one, other] = [0x811c9dc5, 0x1000193];
  for (let index = 0; index < text.length; index++) {
    one = Math.imul(one ^ text.charCodeAt(index), 0x1000193);
    other = Math.imul(other ^ text.charCodeAt(index), 0x85ebca6b);
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36);
}
