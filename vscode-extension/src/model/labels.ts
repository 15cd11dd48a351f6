/** The words of each row. */

import type { ActivityInfo, ActivityKind, FindingInfo, Frame, Location, ObjectRef, SourceRef } from "../protocol";
import { describe, lastPart } from "./managers";
import type { Capture } from "./capture";
import type { Session } from "./store";
import type { ContextRow, ErrorRow, GroupRow, Row } from "./row";
import { matches, sourceOf } from "./rows";

const FINDING_TITLES: Record<FindingInfo["kind"], string> = {
  deadlock: "Deadlock",
  starved: "Starved",
  blocked_loop: "Blocked Loop",
  abandoned: "Abandoned",
  never_awaited: "Never Awaited",
  failed: "Failed",
};

/** How many of the holders of a semaphore are named. */
const MOST_HOLDERS = 3;

export interface Label {
  readonly label: string;
  /** Shown dimmed beside the label. */
  readonly description: string;
  /** The description in words that are clear without their place and without the icon. */
  readonly spoken: string;
  /** Lines of the tooltip. */
  readonly tooltip: readonly string[];
}

const KIND_NAMES: Readonly<Record<ActivityKind, string>> = {
  thread: "thread",
  task: "task",
  greenlet: "greenlet",
  coroutine: "coroutine",
  generator: "generator",
  async_generator: "async generator",
};

export function labelOf(row: Row): Label {
  switch (row.kind) {
    case "session":
      return label(row.session.name(), sessionState(row.session.paused, row.session.capture?.live));
    case "activity":
      return activityLabel(row.activity.info, row.activity.sources, row.members, row.isTail, nameIn(row.capture));
    case "group":
      return groupLabel(row);
    case "loop":
      return label(row.loopId, count(row.members, "task"));
    case "threadStack":
      return label("Thread Stack", topOf(row.activity.info, row.activity.sources));
    case "frame":
      return frameLabel(row.frame, row.sources);
    case "hidden":
      return hiddenLabel(row.frames.map(({ frame }) => frame.name));
    case "context":
      return contextLabel(row);
    case "object":
      return objectLabel(row.object, row.role);
    case "note":
      return label(row.text, "", [row.text]);
    case "finding":
      return findingLabel(row.finding);
    case "error":
      return errorLabel(row);
    case "more":
      return label(`Show More`, `${number(row.rest)} not ${row.isUnloaded ? "loaded yet" : "shown"}`);
  }
}

/** Such as "client.py:42". */
export function place(location: Location, sources: readonly SourceRef[]): string {
  const source = sourceOf(location, sources);
  const name = source?.name ?? source?.path?.split(/[\\/]/).pop() ?? "unknown source";
  return location.line === undefined ? name : `${name}:${location.line}`;
}

/** "1 task", "12,000 tasks". */
export function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** What the header of the view says: "7 stacks", or "1 of 7 stacks · filter: ticks". */
export function summaryOf(captures: readonly Capture[], filter: string): string {
  const total = captures.reduce((sum, capture) => sum + capture.total, 0);
  if (filter === "") return total > 0 ? count(total, "stack") : "";
  const found = captures.flatMap(({ activities }) => [...activities]).filter((each) => matches(each, filter)).length;
  return join([total > 0 ? `${number(found)} of ${count(total, "stack")}` : "", `filter: ${filter}`]);
}

/** What to say above pictures of programs that run. */
export function liveText(sessions: readonly Session[]): string {
  const texts = sessions.flatMap(({ name, capture }) => {
    if (capture?.live !== true) return [];
    const who = sessions.length > 1 ? `${name()}: running.` : "Running.";
    return [`${who} This picture was taken at ${capture.takenAt.toTimeString().slice(0, 8)}.`];
  });
  return texts.join("\n");
}

function number(amount: number): string {
  return amount.toLocaleString("en-US");
}

function label(text: string, description = "", tooltip: readonly string[] = [], spoken = description): Label {
  return { label: text, description, spoken, tooltip: tooltip.length > 0 ? tooltip : [join([text, description])] };
}

function join(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}

function sessionState(paused: boolean, live: boolean | undefined): string {
  if (paused) return "paused";
  return live === true ? "running, seen without pausing" : "running";
}

function topOf(info: ActivityInfo, sources: readonly SourceRef[]): string {
  return info.top ? join([info.top.name, place(info.top.location, sources)]) : "";
}

function nameIn(capture: Capture): (id: string) => string {
  return (id) => capture.activity(id)?.info.name ?? id;
}

/** Such as "lock, held by right": what an activity waits for, and who has it. */
function waitText(info: ActivityInfo, nameOf: (id: string) => string): string | undefined {
  if (!info.waitsFor) return undefined;
  const { description, holders = [] } = info.waitsFor;
  if (holders.length === 0) return description;
  const names = holders
    .slice(0, MOST_HOLDERS)
    .map(({ activityId }) => (activityId === info.id ? "itself" : nameOf(activityId)));
  const more = holders.length - names.length;
  return `${description}, held by ${names.join(", ")}${more > 0 ? ` and ${number(more)} more` : ""}`;
}

function findingLabel({ kind, certain, text, steps }: FindingInfo): Label {
  // That something has not been awaited or retrieved so far is a fact; it is only not known whether it will be.
  const isFact = certain || kind === "never_awaited" || kind === "failed";
  const title = FINDING_TITLES[kind] + (isFact ? "" : "?");
  return label(title, text, [`${title}: ${text}`, ...steps.map((step) => step.text)]);
}

function activityLabel(
  info: ActivityInfo,
  sources: readonly SourceRef[],
  members: number,
  isTail: boolean,
  nameOf: (id: string) => string,
): Label {
  const top = topOf(info, sources);
  const waiting = waitText(info, nameOf);
  const waits = waiting && `waits for ${waiting}`;
  const failed = info.failure && `failed with ${info.failure}`;
  const state = info.state === "unknown" ? "state unknown" : info.state;
  // That it is suspended goes without saying where it stands, and a view is narrow; the icon shows it, too. A thread
  // runs also while it waits for a lock.
  const isPlain =
    info.state === "suspended" ? top !== "" || waits !== undefined : info.state === "running" && waits !== undefined;
  const shownState = isPlain ? "" : (failed ?? state);
  const tasks = members > 0 ? `${isTail ? "at least " : ""}${count(members, "task")}` : undefined;
  // What it waits for says most, so that it stands where it is not cut off.
  const description = tasks ?? join([shownState, waiting, top]);
  const spoken = tasks ?? join([shownState, waits, top]);
  const lines = [
    `${info.framework} ${KIND_NAMES[info.kind]} ${info.name}`,
    `State: ${state}`,
    info.failure && `Failed with: ${info.failure}`,
    waiting && `Waits for: ${waiting}`,
    info.waitsFor?.target && `Object: ${object(info.waitsFor.target)}`,
    info.top && `In: ${info.top.name}, ${fullPlace(info.top.location, sources)}`,
    info.innermost && `Innermost: ${info.innermost.name}, ${fullPlace(info.innermost.location, sources)}`,
    info.loopId !== undefined ? `Loop: ${info.loopId}` : undefined,
    info.createdAt && `Created in: ${info.createdAt.name}, ${fullPlace(info.createdAt.location, sources)}`,
  ];
  return label(info.name, description, defined(lines), spoken);
}

function groupLabel({ capture, first, members, isPartial }: GroupRow): Label {
  const { info, sources } = first;
  const amount = `${isPartial ? "at least " : ""}${count(members, KIND_NAMES[info.kind])}`;
  const one = activityLabel(info, sources, 0, false, nameIn(capture));
  const text = `${amount}: ${info.name} …`;
  const partial = isPartial ? "Not all are loaded: there may be more." : undefined;
  return label(text, one.description, defined([text, partial, ...one.tooltip.slice(1)]), one.spoken);
}

function frameLabel(frame: Frame, sources: readonly SourceRef[]): Label {
  return label(frame.name, place(frame.location, sources), [frame.name, fullPlace(frame.location, sources)]);
}

function contextLabel(row: ContextRow): Label {
  const { context, sources, isEntry, code, isAmbiguous } = row;
  const { what, how } = describe(context);
  const keyword = isEntry ? "" : context.isAsync ? "async with " : "with ";
  const target = context.varname === undefined ? "" : ` as ${context.varname}`;
  const text = `${keyword}${code ?? `${what}${target}`}`;
  // The statement shows what a call is, and the names of most types.
  const isSeen =
    code === undefined ||
    code.includes(what.endsWith("()") ? what.slice(0, -1) : what.includes("(") ? what : `${what}(`);
  const line = context.location?.line;
  const because = context.exception === undefined ? "" : ` because of ${context.exception}`;
  const phase = context.phase === "active" ? "" : `${context.phase}${because}`;
  const address = context.manager && isAmbiguous ? shortAddress(context.manager.address) : "";
  const lines = [
    text,
    what,
    how,
    context.manager && object(context.manager),
    phase === "" ? undefined : `It is ${phase}.`,
    context.unknown,
    context.location && fullPlace(context.location, sources),
  ];
  return label(
    text,
    join([phase, isSeen ? "" : what, how, address, line === undefined ? "" : `line ${line}`, context.unknown]),
    defined(lines),
  );
}

/** Enough of an address to tell a few objects apart. */
function shortAddress(address: string): string {
  const digits = address.replace(/^0x/, "");
  return `at ${digits.length > 5 ? "…" : ""}${digits.slice(-5)}`;
}

function hiddenLabel(names: readonly string[]): Label {
  return label(count(names.length, "internal frame"), names.map(lastPart).join(", "), names);
}

function objectLabel(ref: ObjectRef, role: "leaf" | "task"): Label {
  const text = role === "leaf" ? `awaits ${lastPart(ref.type)}` : lastPart(ref.type);
  return label(text, ref.address, [object(ref)]);
}

function errorLabel({ parent, message }: ErrorRow): Label {
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  // Errors of the debugged program arrive as a traceback, whose last line says what is wrong.
  const last = lines[lines.length - 1]?.trim() ?? "Unknown error";
  const what = parent === undefined || parent.kind === "session" ? "Async stacks are" : "This is";
  return label(`${what} not available: ${last}`, "click to try again", [message, "Click to try again."]);
}

function object(ref: ObjectRef): string {
  return `${ref.type} at ${ref.address}`;
}

/** Such as "/project/client.py:42". */
export function fullPlace(location: Location, sources: readonly SourceRef[]): string {
  const source = sourceOf(location, sources);
  const path = source?.path ?? source?.name ?? "unknown source";
  return location.line === undefined ? path : `${path}:${location.line}`;
}

function defined(lines: readonly (string | undefined)[]): string[] {
  return lines.filter((line) => line !== undefined);
}
