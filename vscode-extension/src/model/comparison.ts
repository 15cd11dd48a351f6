/** What differs between a stop and the one before, as text. */

import type { FindingInfo } from "../protocol";
import type { Activity, Capture } from "./capture";
import { count, findingTitle, nameIn, number, topOf, waitText } from "./labels";
import { newsOf, type Before } from "./news";

/** How many names a line has. */
const MOST_NAMES = 5;

type Change = "ended" | "new" | "moved" | "same";

const WORDS: readonly (readonly [Change, string, string])[] = [
  ["new", "+", "new"],
  ["ended", "-", "ended"],
  ["moved", "~", "moved"],
  ["same", "=", "where they were"],
];

interface Group {
  readonly change: Change;
  readonly kind: string;
  readonly now: string;
  readonly then: string;
  readonly names: string[];
}

/** The text; undefined if there was no stop before. All of the picture has to be loaded. */
export function comparisonOf(name: string, capture: Capture): string | undefined {
  const { before } = capture;
  if (!before) return undefined;
  const groups = groupsOf(capture, before);
  const counts = new Map<Change, number>();
  for (const { change, names } of groups) counts.set(change, (counts.get(change) ?? 0) + names.length);
  const told = WORDS.flatMap(([change, , words]) => {
    const amount = counts.get(change);
    return amount === undefined ? [] : [`${number(amount)} ${words}`];
  });
  const seconds = (capture.takenAt.getTime() - before.takenAt.getTime()) / 1000;
  const lines = [`${name}, ${duration(seconds)} after the stop before: ${told.join(", ")}`, ""];
  const [old, now] = [before.findings.map(lineOfFinding), capture.findings.map(lineOfFinding)];
  for (const text of now) lines.push(`${old.includes(text) ? "=" : "+"} ${text}`);
  for (const text of old) if (!now.includes(text)) lines.push(`- ${text}`);
  if (old.length + now.length > 0) lines.push("");
  for (const [change, mark] of WORDS) {
    for (const group of groups.filter((each) => each.change === change)) lines.push(`${mark} ${lineOf(group)}`);
  }
  if (!before.complete) lines.push("", "Not everything was known at the stop before: what is new may be missing.");
  return `${lines.join("\n")}\n`;
}

function lineOfFinding(finding: FindingInfo): string {
  return `${findingTitle(finding)}: ${finding.text}`;
}

function groupsOf(capture: Capture, before: Before): Group[] {
  const groups = new Map<string, Group>();
  const add = (change: Change, { info }: Activity, now: string, then: string): void => {
    const key = JSON.stringify([change, info.kind, now, then]);
    const group = groups.get(key);
    if (group) group.names.push(info.name);
    else groups.set(key, { change, kind: info.kind.replace("_", " "), now, then, names: [info.name] });
  };
  const nameOf = nameIn(capture);
  for (const activity of capture.activities) {
    if (activity.info.kind === "thread") continue;
    const old = before.activities.get(activity.info.id);
    const news = newsOf(activity, before) ?? (old ? "same" : undefined);
    if (news !== undefined)
      add(news, activity, summary(activity, nameOf), old && news === "moved" ? summary(old, before.nameOf) : "");
  }
  for (const [id, activity] of before.activities) {
    const isGone = capture.complete && !capture.activity(id);
    if (isGone && activity.info.kind !== "thread") add("ended", activity, "", summary(activity, before.nameOf));
  }
  return [...groups.values()];
}

function lineOf({ kind, now, then, names }: Group): string {
  const rest = names.length - MOST_NAMES;
  const who = names.slice(0, MOST_NAMES).join(", ") + (rest > 0 ? ` and ${number(rest)} more` : "");
  const what = names.length === 1 ? `${kind} ${who}` : `${count(names.length, kind)} ${who}`;
  return [what, now, then === "" ? "" : `before: ${then}`].filter((part) => part !== "").join("  ");
}

/** Such as "suspended: lock, held by Task-3 · charge orders.py:9". */
function summary({ info, sources }: Activity, nameOf: (id: string) => string): string {
  const waits = waitText(info, nameOf);
  const state = info.failure === undefined ? info.state : `failed with ${info.failure}`;
  return [waits === undefined ? state : `${state}: ${waits}`, topOf(info, sources)]
    .filter((part) => part !== "")
    .join(" · ");
}

/** Such as "0.4 s", "12 s", "3 min 4 s" or "2 h 5 min". */
function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes === 0) return `${rest} s`;
  return minutes < 60 ? `${minutes} min ${rest} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
