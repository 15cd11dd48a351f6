/** The words of each row. */

import type { ActivityInfo, ActivityKind, FindingInfo, Frame, Location, ObjectRef, SourceRef } from "../protocol";
import { isFact } from "./findings";
import { describe, lastPart } from "./managers";
import { isMadeUp } from "./naming";
import { newsOf } from "./news";
import type { Activity, Capture } from "./capture";
import type { Session } from "./store";
import type { ActivityRow, BucketRow, ContextRow, ErrorRow, FindingRow, GroupRow, Row, StepRow } from "./row";
import { matches, sourceOf } from "./rows";

/** What findings are called. */
const FINDING_TITLES: Record<FindingInfo["kind"], string> = {
  deadlock: "Deadlock",
  starved: "Starved",
  blocked_loop: "Blocked Loop",
  abandoned: "Abandoned",
  never_awaited: "Never Awaited",
  failed: "Failed",
};

/** How many of the holders of a semaphore, and of the activities of a circle, are named. */
const MOST_HOLDERS = 3;
const MOST_IN_CIRCLE = 4;

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
      return sessionLabel(row.session);
    case "activity":
      return activityRowLabel(row);
    case "group":
      return groupLabel(row);
    case "loop":
      return label(row.loopId, count(row.members, "task"));
    case "threadStack":
      return label(
        row.activity.info.kind === "thread" ? "Thread Stack" : "Stack",
        topOf(row.activity.info, row.activity.sources),
      );
    case "bucket":
      return bucketLabel(row);
    case "frame":
      return frameLabel(row.frame, row.sources);
    case "hidden":
      return hiddenLabel(row.frames.map(({ frame }) => frame));
    case "context":
      return contextLabel(row);
    case "object":
      return objectLabel(row.object, row.role);
    case "note":
      return label(row.text, "", [row.text]);
    case "finding":
      return findingLabel(row);
    case "step":
      return stepLabel(row);
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

/** What to say above pictures of programs that run, and of files. */
export function liveText(sessions: readonly Session[]): string {
  const texts = sessions.flatMap(({ name, capture, saved }) => {
    if (saved) return [`${name()} is a snapshot file of ${saved.info.moment}, not a program.`];
    if (capture?.live !== true) return [];
    const who = sessions.length > 1 ? `${name()}: running.` : "Running.";
    return [`${who} This picture was taken at ${capture.takenAt.toTimeString().slice(0, 8)}.`];
  });
  return texts.join("\n");
}

export function number(amount: number): string {
  return amount.toLocaleString("en-US");
}

function label(text: string, description = "", tooltip: readonly string[] = [], spoken = description): Label {
  return { label: text, description, spoken, tooltip: tooltip.length > 0 ? tooltip : [join([text, description])] };
}

function join(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}

function sessionLabel({ name, paused, capture, saved }: Session): Label {
  if (!saved) return label(name(), sessionState(paused, capture?.live));
  const { moment, origin, how } = saved.info;
  const lines = [saved.path, `Snapshot file, saved ${moment} by ${origin}`, `The program was ${how}.`];
  return label(name(), `file · ${moment}`, lines, `snapshot file of ${moment}`);
}

function sessionState(paused: boolean, live: boolean | undefined): string {
  if (paused) return "paused";
  return live === true ? "running, seen without pausing" : "running";
}

/** Such as "charge app.py:55", in the user's own code if there is any. */
export function topOf(info: ActivityInfo, sources: readonly SourceRef[]): string {
  const frame = info.top;
  return frame ? `${lastPart(frame.name)} ${place(frame.location, sources)}` : "";
}

export function nameIn(capture: Capture): (id: string) => string {
  return (id) => capture.activity(id)?.info.name ?? id;
}

/** Such as "lock, held by right": what an activity waits for, and who has it. */
export function waitText(info: ActivityInfo, nameOf: (id: string) => string): string | undefined {
  if (!info.waitsFor) return undefined;
  const { description, holders = [] } = info.waitsFor;
  if (holders.length === 0) return description;
  const names = holders
    .slice(0, MOST_HOLDERS)
    .map(({ activityId }) => (activityId === info.id ? "itself" : nameOf(activityId)));
  const more = holders.length - names.length;
  return `${description}, held by ${names.join(", ")}${more > 0 ? ` and ${number(more)} more` : ""}`;
}

/** Such as "lock ← right": the same, where there is little room. */
export function shortWait(info: ActivityInfo, nameOf: (id: string) => string): string | undefined {
  if (!info.waitsFor) return undefined;
  const { description, holders = [] } = info.waitsFor;
  if (holders.length === 0) return description;
  const names = holders
    .slice(0, MOST_HOLDERS)
    .map(({ activityId }) => (activityId === info.id ? "itself" : nameOf(activityId)));
  const more = holders.length - names.length;
  return `${description} ← ${names.join(", ")}${more > 0 ? ` +${number(more)}` : ""}`;
}

/** Such as "Deadlock", or "Starved?" if that is not proven. */
export function findingTitle(finding: FindingInfo): string {
  return FINDING_TITLES[finding.kind] + (isFact(finding) ? "" : "?");
}

function findingLabel({ capture, finding }: FindingRow): Label {
  const title = findingTitle(finding);
  const { kind, text, steps, activityIds } = finding;
  const names = activityIds.map(nameIn(capture));
  const [first] = names;
  // Who waits for whom is in the steps, and a circle of two fits into a narrow view.
  const isCircle = kind === "deadlock" && first !== undefined && steps.length === names.length;
  const circle = names.length > MOST_IN_CIRCLE ? [...names.slice(0, MOST_IN_CIRCLE), "…"] : names;
  const description = isCircle ? [...circle, first].join(" → ") : text;
  return label(title, description, [`${title}: ${text}`, ...steps.map((step) => step.text)], text);
}

function stepLabel({ capture, finding, step, activity }: StepRow): Label {
  const where = step.location && place(step.location, capture.findingSources);
  if (!activity) return label(step.text, "", [step.text]);
  const wait = shortWait(activity.info, nameIn(capture));
  const failed = activity.info.failure && `failed with ${activity.info.failure}`;
  const { tooltip } = activityLabel(activity.info, activity.sources, nameIn(capture));
  const lines = [`${findingTitle(finding)}: ${step.text}`, ...tooltip];
  const isThere = step.location?.line !== undefined && step.location.line === activity.info.top?.location.line;
  const at = isThere ? topOf(activity.info, activity.sources) : where;
  return label(activity.info.name, join([failed ?? wait, at]), lines, step.text);
}

function bucketLabel({ title, detail }: BucketRow): Label {
  return label(title, detail);
}

function activityRowLabel({ activity, amount, capture, parent }: ActivityRow): Label {
  const one = activityLabel(activity.info, activity.sources, nameIn(capture));
  const news = newsText(capture, activity);
  const tooltip = defined([...one.tooltip, news]);
  if (amount !== undefined) return { label: activity.info.name, description: amount, spoken: amount, tooltip };
  const holds = parent?.kind === "bucket" && parent.holders?.includes(activity) === true ? "holds it" : "";
  return {
    label: one.label,
    description: join([holds, one.description]),
    spoken: join([holds, one.spoken, news?.toLowerCase()]),
    tooltip,
  };
}

/** What has changed about an activity since the last stop. */
export function newsText(capture: Capture, activity: Activity): string | undefined {
  switch (newsOf(activity, capture.before)) {
    case "new":
      return "New since the last stop";
    case "moved":
      return "Has gone on since the last stop";
    case undefined:
      return undefined;
  }
}

function activityLabel(
  info: ActivityInfo,
  sources: readonly SourceRef[],
  nameOf: (id: string) => string,
  prefersPlace = isMadeUp(info),
): Label {
  const frame = info.top;
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
  // What tells it from others stands where it is not cut off: its name, or else its function and line.
  const byPlace = frame !== undefined && prefersPlace;
  const short = shortWait(info, nameOf);
  const named = byPlace ? [place(frame.location, sources), shownState, short, info.name] : [shownState, short, top];
  const description = join(named);
  const spoken = byPlace
    ? join([place(frame.location, sources), shownState, waits, info.name])
    : join([shownState, waits, top]);
  const lines = [
    `${info.framework} ${KIND_NAMES[info.kind]} ${info.name}`,
    `State: ${state}`,
    info.failure && `Failed with: ${info.failure}`,
    waiting && `Waits for: ${waiting}`,
    info.waitsFor?.target && `Object: ${object(info.waitsFor.target)}`,
    frame && `In: ${frame.name}, ${fullPlace(frame.location, sources)}`,
    info.innermost && `From there in: ${info.innermost.name}, ${fullPlace(info.innermost.location, sources)}`,
    info.loopId !== undefined ? `Loop: ${info.loopId}` : undefined,
    info.createdAt && `Created in: ${info.createdAt.name}, ${fullPlace(info.createdAt.location, sources)}`,
  ];
  return label(byPlace ? lastPart(frame.name) : info.name, description, defined(lines), spoken);
}

/** What they have in common is where they stand; the name is that of one of them. */
function groupLabel({ capture, first, members, isPartial }: GroupRow): Label {
  const { info, sources } = first;
  const least = isPartial ? "at least " : "";
  const amount = `${least}${count(members, KIND_NAMES[info.kind])}`;
  const one = activityLabel(info, sources, nameIn(capture), true);
  const partial = isPartial ? "Not all are loaded: there may be more." : undefined;
  const tooltip = defined([`${amount}: ${info.name} …`, partial, ...one.tooltip.slice(1)]);
  const [text, spoken] = info.top
    ? [`${least}${number(members)} × ${one.label}`, join([amount, one.spoken])]
    : [`${amount}: ${info.name} …`, one.spoken];
  return label(text, info.top ? `${one.description} …` : one.description, tooltip, `${spoken} …`);
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

function hiddenLabel(frames: readonly Frame[]): Label {
  const names = frames.map(({ name }) => name);
  const kind = frames.some(({ library }) => library === true) ? "library frame" : "internal frame";
  return label(count(names.length, kind), names.map(lastPart).join(", "), names);
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
