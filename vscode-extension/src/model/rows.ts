/** Which rows the tree has, top down. What a row looks like is decided elsewhere. */

import type { Context, ContextChild, Location, SourceRef, TaskChild } from "../protocol";
import { CaptureEnded, type Activity, type Capture, type LoadedStack } from "./capture";
import { stateOf } from "./managers";
import { arrangementOf, byState, byWait, childrenOf, isUnder, type Arrangement, type Bucket } from "./arrange";
import { amountIn } from "./findings";
import type { ActivityRow, ContextRow, ErrorRow, FrameRow, MoreRow, NoteRow, Row } from "./row";
import { Files, textOfLines, withItem } from "./source";
import type { Session, Store } from "./store";

export interface OutlineOptions {
  /** Whether hidden frames stand among the others. */
  readonly showHidden: boolean;
  /** How activities are arranged; "auto" depends on how many there are. */
  readonly arrangement: Arrangement | "auto";
  /** How many activities a list shows at first, and more at each request. */
  readonly pageSize: number;
  /** Show only activities that contain this text; empty for all. */
  readonly filter: string;
}

/** Whether the text occurs in what is shown of the activity, in upper or lower case. */
export function matches(activity: Activity, filter: string): boolean {
  if (filter === "") return true;
  const { name, framework, state, waitsFor, failure } = activity.info;
  const top = activity.info.top;
  const failed = failure && `failed with ${failure}`;
  const source = top && activity.sources[top.location.source];
  const texts = [name, framework, state, waitsFor?.description, failed, top?.name, source?.path];
  return texts.some((text) => text?.toLowerCase().includes(filter.toLowerCase()));
}

export function sourceOf(location: Location, sources: readonly SourceRef[]): SourceRef | undefined {
  return sources[location.source];
}

/** What reads the sources of a picture: those of a file are what it has recorded. */
function textsOf({ saved }: Capture, read: (path: string) => Promise<string>): (path: string) => Promise<string> {
  return saved ? async (path) => textOfLines(await saved.lines(path)) : read;
}

/** The stack of what has failed is that of the exception. */
const NOT_RECORDED = "Context managers unknown: a traceback does not record them";

/** Arranges the store as a tree. Nothing is loaded before the row above it is opened. */
export class Outline {
  readonly #files = new WeakMap<Capture, Files>();
  /** Addresses of the managers that have been seen, by the words that describe them. */
  readonly #managers = new WeakMap<Capture, Map<string, Set<string>>>();
  /** Those of which it is known that they are several. */
  readonly #told = new WeakSet<Set<string>>();
  readonly #shown = new WeakMap<Capture, Map<string, number>>();

  constructor(
    private readonly store: Store,
    readonly options: () => OutlineOptions,
    /** Called when the rows under `row` (undefined: all) have changed without a change of the store. */
    private readonly changed: (row: Row | undefined) => void,
    private readonly read: (path: string) => Promise<string>,
  ) {}

  async children(row: Row | undefined): Promise<Row[]> {
    try {
      return await this.#children(row);
    } catch (error) {
      if (error instanceof CaptureEnded) return [];
      return [errorRow(row, error, () => this.#retry(row))];
    }
  }

  async #children(row: Row | undefined): Promise<Row[]> {
    switch (row?.kind) {
      case undefined:
        return this.#roots();
      case "session":
        return this.#session(row.session, row);
      case "activity":
        return this.#activity(row);
      case "group": {
        const members = this.#listed(row.parent).filter((activity) => groupKey(activity) === row.key);
        return this.#list(row, row.capture, members);
      }
      case "loop":
      case "bucket":
        return this.#list(row, row.capture, this.#listed(row));
      case "threadStack":
        return this.#stack(row, row.capture, row.activity.info.id);
      case "frame":
        return this.#frame(row);
      case "hidden":
        return [...row.frames];
      case "context":
        return this.#context(row);
      case "finding":
        return this.#finding(row);
      case "step":
        return row.activity ? this.#stack(row, row.capture, row.activity.info.id) : [];
      case "object":
      case "note":
      case "error":
      case "more":
        return [];
    }
  }

  async #roots(): Promise<Row[]> {
    const { sessions } = this.store;
    if (!sessions.some((session) => session.capture)) return [];
    const [first] = sessions;
    // A file is named even if it is the only one: it is no program.
    if (first && sessions.length === 1 && !first.saved) return this.#session(first, undefined);
    return sessions.map((session) => ({ kind: "session", id: session.id, parent: undefined, session }));
  }

  async #session(session: Session, parent: Row | undefined): Promise<Row[]> {
    const { capture } = session;
    if (!capture) return [];
    const { filter } = this.options();
    await (filter === "" ? capture.load() : capture.loadAll());
    const handshake = await session.helper.ready();
    capture.check();
    const rows: Row[] = [];
    if (filter === "") {
      capture.findings.forEach((finding, index) => {
        rows.push({ kind: "finding", id: `${session.id}/finding${index}`, parent, capture, finding });
      });
    }
    const buckets = this.#buckets(capture);
    if (buckets) {
      for (const bucket of buckets) {
        rows.push({ kind: "bucket", id: `${session.id}/${bucket.key}`, parent, capture, ...bucket });
      }
    } else {
      for (const activity of capture.roots) {
        const members = this.#members(capture, activity);
        if (members.length === 0 && !matches(activity, filter)) continue;
        rows.push(this.#activityRow(session.id, parent, capture, activity));
      }
    }
    if (!capture.complete) {
      const rest = capture.total - capture.loaded;
      const show = (): Promise<void> => capture.loadMore();
      rows.push({ kind: "more", id: `${session.id}/more`, parent, rest, isUnloaded: true, show });
    }
    [...handshake.notes, ...capture.notes].forEach((text, index) => {
      rows.push({ kind: "note", id: `${session.id}/note${index}`, parent, severity: "info", text });
    });
    return rows;
  }

  /** The activities in groups that are no parents of each other, if they are arranged so. */
  #buckets(capture: Capture): Bucket[] | undefined {
    const { arrangement, filter } = this.options();
    const chosen = arrangementOf(arrangement, capture);
    if (chosen !== "states" && chosen !== "waits") return undefined;
    const activities = [...capture.activities].filter((activity) => matches(activity, filter));
    if (chosen === "states") return byState(capture, activities);
    return byWait(capture, activities, (id) => capture.activity(id)?.info.name ?? id);
  }

  #finding(row: Row & { kind: "finding" }): Row[] {
    const { capture, finding } = row;
    const rows: Row[] = finding.steps.map((step, index) => {
      const activity = capture.activity(step.activityId);
      return { kind: "step", id: `${row.id}/${index}`, parent: row, capture, finding, step, activity };
    });
    const told = new Set(finding.steps.map(({ activityId }) => activityId));
    const others = finding.activityIds.flatMap((id) => (told.has(id) ? [] : (capture.activity(id) ?? [])));
    return [...rows, ...this.#list(row, capture, others)];
  }

  #activityRow(base: string, parent: Row | undefined, capture: Capture, activity: Activity): ActivityRow {
    const { id, kind } = activity.info;
    const members = this.#hasMembers(parent) ? this.#members(capture, activity).length : 0;
    const told = this.options().filter === "" ? amountIn(capture, id) : "";
    const amount = kind !== "thread" || members === 0 ? {} : { amount: told === "" ? tasks(members) : told };
    return { kind: "activity", id: `${base}/${id}`, parent, capture, activity, members, ...amount };
  }

  /** Whether what belongs to activities stands under them, where they are listed under such a row. */
  #hasMembers(parent: Row | undefined): boolean {
    switch (parent?.kind) {
      case undefined:
      case "session":
      case "activity":
      case "loop":
        return true;
      default:
        return false;
    }
  }

  async #activity(row: ActivityRow): Promise<Row[]> {
    const { capture, activity } = row;
    if (row.members === 0) return this.#stack(row, capture, activity.info.id);
    const threadId = activity.info.id;
    const members = this.#members(capture, activity);
    const stack: Row = { kind: "threadStack", id: `${row.id}/stack`, parent: row, capture, activity };
    const loops = loopsOf(members);
    if (loops.size < 2) return [stack, ...this.#list(row, capture, members)];
    const rows: Row[] = [stack];
    for (const [loopId, activities] of loops) {
      if (loopId === "") rows.push(...this.#list(row, capture, activities));
      else {
        const id = `${row.id}/${loopId}`;
        rows.push({ kind: "loop", id, parent: row, capture, threadId, loopId, members: activities.length });
      }
    }
    return rows;
  }

  /** What stands under a thread or task and the filter lets pass; with a filter, everything stands under its thread. */
  #members(capture: Capture, activity: Activity, loopId?: string): Activity[] {
    const { filter, arrangement } = this.options();
    const isTree = filter === "" && arrangementOf(arrangement, capture) === "tree";
    const all = isTree ? childrenOf(capture, activity) : capture.members(activity.info.id);
    return all.filter((member) => (loopId === undefined || member.info.loopId === loopId) && matches(member, filter));
  }

  #list(parent: Row, capture: Capture, activities: readonly Activity[]): Row[] {
    const { pageSize, arrangement } = this.options();
    const group = arrangementOf(arrangement, capture) === "stacks";
    // Where the members of a group stand does not change what they are.
    const base = parent.kind === "group" ? parent.parent.id : parent.id;
    const entries = group && parent.kind !== "group" ? grouped(activities) : activities.map((activity) => [activity]);
    let limits = this.#shown.get(capture);
    if (!limits) this.#shown.set(capture, (limits = new Map<string, number>()));
    const limit = limits.get(parent.id) ?? pageSize;
    const rows: Row[] = [];
    for (const [first, ...others] of entries.slice(0, limit)) {
      if (!first) continue;
      const members = others.length + 1;
      if (members === 1) {
        rows.push(this.#activityRow(base, parent, capture, first));
      } else {
        const id = `${parent.id}/group ${first.info.id}`;
        const isPartial = !capture.complete;
        rows.push({ kind: "group", id, parent, capture, key: groupKey(first) ?? "", first, members, isPartial });
      }
    }
    const rest = entries.slice(limit).reduce((sum, members) => sum + members.length, 0);
    if (rest > 0) {
      const show = (): Promise<void> => {
        limits.set(parent.id, limit + pageSize);
        this.changed(undefined);
        return Promise.resolve();
      };
      rows.push({ kind: "more", id: `${parent.id}/more`, parent, rest, isUnloaded: false, show });
    }
    return rows;
  }

  /** The activities that stand under a row. */
  #listed(row: Row): Activity[] {
    switch (row.kind) {
      case "activity":
        return this.#members(row.capture, row.activity);
      case "loop": {
        const thread = row.capture.activity(row.threadId);
        return thread ? this.#members(row.capture, thread, row.loopId) : [];
      }
      case "bucket":
        return [...row.activities];
      case "context":
        return (row.context.children ?? []).flatMap((child) => childActivity(row.capture, child) ?? []);
      default:
        return [];
    }
  }

  async #stack(parent: Row, capture: Capture, activityId: string): Promise<Row[]> {
    const loaded = await capture.stack(activityId);
    return this.#frames(parent, capture, loaded);
  }

  #frames(parent: Row, capture: Capture, { stack, sources }: LoadedStack): Row[] {
    const rows: Row[] = [];
    if (stack.error !== undefined) rows.push(note(parent, "warning", `${parent.id}/error`, stack.error));
    const info =
      parent.kind === "activity" || parent.kind === "threadStack" || parent.kind === "step"
        ? parent.activity?.info
        : undefined;
    // What it waits for is known better than by the innermost object.
    if (stack.leaf && (!info?.waitsFor || stack.error)) {
      rows.push({ kind: "object", id: `${parent.id}/leaf`, parent, role: "leaf", object: stack.leaf });
    }
    const reasons = new Set(stack.frames.map((frame) => frame.contextsUnknown));
    const [reason] = reasons;
    const isFailure = info?.failure !== undefined;
    const isCommon = reasons.size === 1 && reason !== undefined && (stack.frames.length > 1 || isFailure);
    if (isCommon) {
      const text = isFailure ? NOT_RECORDED : `Perhaps more context managers: ${reason}`;
      rows.push(note(parent, "info", `${parent.id}/unknown`, text));
    }
    const { showHidden } = this.options();
    // Where there is nothing else, the code of libraries is what one wants to see.
    const hasOwn = stack.frames.some(({ hidden, library }) => hidden !== true && library !== true);
    let hidden: FrameRow[] = [];
    const flush = (): void => {
      const [first] = hidden;
      if (first) rows.push({ kind: "hidden", id: `${first.id}/hidden`, parent, frames: hidden });
      hidden = [];
    };
    // From the outermost frame on that another activity begins at, all of it is shown there.
    const goesOn = info ? stack.frames.map((frame) => frame.activityId !== undefined).lastIndexOf(true) : -1;
    const other = capture.activity(stack.frames[goesOn]?.activityId ?? "");
    if (other) rows.push(note(parent, "info", `${parent.id}/inside`, `Goes on in ${other.info.name}`));
    stack.frames.forEach((frame, index) => {
      if (other && index <= goesOn) return;
      // Counted from the outermost frame, which stays while inner ones come and go.
      const id = `${parent.id}/f${stack.frames.length - index}:${frame.name}`;
      const contextsUnknown = isCommon ? undefined : frame.contextsUnknown;
      const row: FrameRow = { kind: "frame", id, parent, capture, frame, sources, contextsUnknown };
      if ((frame.hidden === true || (frame.library === true && hasOwn)) && !showHidden) {
        hidden.push(row);
      } else {
        flush();
        rows.push(row);
      }
    });
    flush();
    return rows;
  }

  async #frame(row: FrameRow): Promise<Row[]> {
    const { frame, capture, sources, contextsUnknown } = row;
    const codes = await this.#codes(capture, frame.contexts ?? [], sources);
    const rows: Row[] = (frame.contexts ?? []).map((context, index) => ({
      kind: "context",
      id: `${row.id}/c${index}`,
      parent: row,
      capture,
      context,
      sources,
      isEntry: false,
      code: codes[index],
      isAmbiguous: this.#isAmbiguous(capture, context),
    }));
    if (contextsUnknown !== undefined) {
      const text = `Perhaps more context managers: ${contextsUnknown}`;
      rows.push(note(row, "warning", `${row.id}/unknown`, text));
    }
    return rows;
  }

  /** How their statements spell them. */
  async #codes(
    capture: Capture,
    contexts: readonly Context[],
    sources: readonly SourceRef[],
  ): Promise<(string | undefined)[]> {
    let files = this.#files.get(capture);
    if (!files) this.#files.set(capture, (files = new Files(textsOf(capture, this.read))));
    const codes: (string | undefined)[] = [];
    // Items of one statement may have one location; they are entered in their order.
    const seen = new Map<string, number>();
    for (const { location } of contexts) {
      const key = JSON.stringify(location);
      const ordinal = seen.get(key) ?? 0;
      seen.set(key, ordinal + 1);
      const source = location && sourceOf(location, sources);
      // What only the debugger has is not read.
      const path = (source?.sourceReference ?? 0) > 0 ? undefined : source?.path;
      codes.push(location && path !== undefined ? withItem(await files.lines(path), location, ordinal) : undefined);
    }
    return codes;
  }

  /** Whether there is another manager that the same words describe. */
  #isAmbiguous(capture: Capture, context: Context): boolean {
    const { manager } = context;
    const state = stateOf(context);
    if (!manager || state === undefined) return false;
    let managers = this.#managers.get(capture);
    if (!managers) this.#managers.set(capture, (managers = new Map<string, Set<string>>()));
    const key = `${manager.type} ${state}`;
    const addresses = managers.get(key) ?? new Set<string>();
    managers.set(key, addresses.add(manager.address));
    if (addresses.size === 2 && !this.#told.has(addresses)) {
      this.#told.add(addresses);
      this.changed(undefined); // the first one has been shown without its address
    }
    return addresses.size > 1;
  }

  #context(row: ContextRow): Row[] {
    const { context, capture, sources } = row;
    const others: Row[] = [];
    const rows = context.inner ? this.#frames(row, capture, { stack: context.inner, sources }) : [];
    (context.children ?? []).forEach((child, index) => {
      const id = `${row.id}/${index}`;
      if (child.kind === "context") {
        const isAmbiguous = this.#isAmbiguous(capture, child.context);
        const entry = { capture, context: child.context, sources, isEntry: true, code: undefined, isAmbiguous };
        rows.push({ kind: "context", id, parent: row, ...entry });
        return;
      }
      if (childActivity(capture, child)) return;
      others.push({ kind: "object", id, parent: row, role: "task", object: child.object });
    });
    return [...rows, ...this.#list(row, capture, this.#listed(row)), ...others];
  }

  /** The row of an activity where it belongs, however far down; undefined if no row shows it. */
  async locate(capture: Capture, activityId: string): Promise<ActivityRow | undefined> {
    const wanted = capture.activity(activityId);
    if (!wanted) return undefined;
    let above: Row | undefined;
    for (;;) {
      const rows = await this.children(above);
      const isIt = (row: Row): row is ActivityRow => row.kind === "activity" && row.activity === wanted;
      const found = rows.find(isIt);
      if (found) return found;
      const next = rows.find((row) => covers(row, capture, wanted));
      const more = rows.find((row): row is MoreRow => row.kind === "more");
      if (next) above = next;
      else if (more) await more.show();
      else return undefined;
    }
  }

  #retry(row: Row | undefined): void {
    if (row === undefined) {
      for (const session of this.store.sessions) session.refresh();
    } else if (row.kind === "session") {
      row.session.refresh();
    } else {
      if (row.kind === "activity" || row.kind === "threadStack" || row.kind === "step") {
        if (row.activity) row.capture.forgetStack(row.activity.info.id);
      }
      this.changed(row);
    }
  }
}

/** Whether a row has rows below it, as far as that is known before it is opened. */
export function isExpandable(row: Row): boolean {
  switch (row.kind) {
    case "session":
      return row.session.capture !== undefined;
    case "activity":
    case "group":
    case "loop":
    case "bucket":
    case "threadStack":
    case "hidden":
    case "finding":
      return true;
    case "step":
      return row.activity !== undefined;
    case "frame":
      return (row.frame.contexts?.length ?? 0) > 0 || row.contextsUnknown !== undefined;
    case "context":
      return row.context.inner !== undefined || (row.context.children?.length ?? 0) > 0;
    case "object":
    case "note":
    case "error":
    case "more":
      return false;
  }
}

/** Up to how many steps of a finding are shown at once. */
const FEW_STEPS = 3;

/** Whether a row is open when it first appears. */
export function startsExpanded(row: Row): boolean {
  return (
    row.kind === "session" ||
    row.kind === "loop" ||
    row.kind === "bucket" ||
    row.kind === "frame" ||
    (row.kind === "finding" && row.finding.steps.length <= FEW_STEPS) ||
    (row.kind === "activity" && row.members > 0)
  );
}

/** Whether an activity stands somewhere under a row that is none of a finding. */
function covers(row: Row, capture: Capture, activity: Activity): boolean {
  switch (row.kind) {
    case "session":
      return row.session.capture === capture;
    case "activity":
      return row.capture === capture && row.members > 0 && isUnder(capture, activity, row.activity);
    case "loop":
      return row.capture === capture && activity.info.loopId === row.loopId && activity.info.threadId === row.threadId;
    case "group":
      return row.capture === capture && groupKey(activity) === row.key;
    case "bucket":
      return row.capture === capture && row.activities.includes(activity);
    default:
      return false;
  }
}

function tasks(amount: number): string {
  return `${amount.toLocaleString("en-US")} task${amount === 1 ? "" : "s"}`;
}

/** Activities by the loop that runs them; "" for none. */
function loopsOf(activities: readonly Activity[]): Map<string, Activity[]> {
  const loops = new Map<string, Activity[]>();
  for (const activity of activities) {
    const loopId = activity.info.loopId ?? "";
    const group = loops.get(loopId);
    if (group) group.push(activity);
    else loops.set(loopId, [activity]);
  }
  return loops;
}

/** What activities have in common whose rows can be one; undefined if the activity stands for itself. */
function groupKey({ info }: Activity): string | undefined {
  const { kind, framework, state, signature, waitsFor, failure } = info;
  if (signature === undefined || failure !== undefined) return undefined;
  const holders = waitsFor?.holders?.map(({ activityId }) => activityId);
  return JSON.stringify([kind, framework, state, signature, waitsFor?.description, holders]);
}

/** Each group stands where its first member does. */
function grouped(activities: readonly Activity[]): Activity[][] {
  const groups = new Map<string, Activity[]>();
  const entries: Activity[][] = [];
  for (const activity of activities) {
    const key = groupKey(activity);
    const group = key === undefined ? undefined : groups.get(key);
    if (group) {
      group.push(activity);
      continue;
    }
    const entry = [activity];
    entries.push(entry);
    if (key !== undefined) groups.set(key, entry);
  }
  return entries;
}

/** The activity that a task of a group is, if it is one that is loaded. */
function childActivity(capture: Capture, child: ContextChild | TaskChild): Activity | undefined {
  return child.kind === "task" && child.activityId !== undefined ? capture.activity(child.activityId) : undefined;
}

function note(parent: Row, severity: NoteRow["severity"], id: string, text: string): NoteRow {
  return { kind: "note", id, parent, severity, text };
}

function errorRow(parent: Row | undefined, error: unknown, retry: () => void): ErrorRow {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "error", id: `${parent?.id ?? ""}/failed`, parent, message, retry };
}
