/** What is wrong with a program, in numbers and in a few words. */

import type { ActivityKind, FindingInfo } from "../protocol";
import type { Capture } from "./capture";

const WORDS: Readonly<Record<FindingInfo["kind"], string>> = {
  deadlock: "deadlocked",
  starved: "starved",
  blocked_loop: "blocked",
  abandoned: "abandoned",
  failed: "failed",
  never_awaited: "never awaited",
};

/** Kinds of findings whose activities do not go on. */
const STUCK: readonly FindingInfo["kind"][] = ["deadlock", "starved", "blocked_loop", "abandoned"];

/** Whether something does not go on, or has failed without anybody being told: no mere possibility. */
export function isFact({ certain, kind }: FindingInfo): boolean {
  // That something has not been awaited or retrieved so far is a fact; it is only not known whether it will be.
  return certain || kind === "never_awaited" || kind === "failed";
}

/** The activities that do not go on. */
export function stuck(captures: readonly Capture[]): Set<string> {
  const found = new Set<string>();
  for (const [index, { findings }] of captures.entries()) {
    for (const { kind, activityIds } of findings) {
      if (STUCK.includes(kind)) for (const id of activityIds) found.add(`${index} ${id}`);
    }
  }
  return found;
}

/** What is wrong with each activity, such as "deadlocked" or "perhaps starved"; what is certain goes first. */
export function troubles({ findings }: Capture): ReadonlyMap<string, { words: string; isFact: boolean }> {
  const found = new Map<string, { words: string; isFact: boolean }>();
  for (const finding of findings) {
    const words = WORDS[finding.kind];
    const trouble = isFact(finding) ? { words, isFact: true } : { words: `perhaps ${words}`, isFact: false };
    for (const id of finding.activityIds) if (found.get(id)?.isFact !== true) found.set(id, trouble);
  }
  return found;
}

/** Whether any of the findings is proven; undefined if there are none. */
export function severity(captures: readonly Capture[]): "proven" | "possible" | undefined {
  const findings = captures.flatMap((capture) => capture.findings);
  if (findings.length === 0) return undefined;
  return findings.some((finding) => finding.certain && STUCK.includes(finding.kind)) ? "proven" : "possible";
}

/** Such as "46 tasks, 2 deadlocked". */
export function statusOf(captures: readonly Capture[]): string {
  const parts = [amountOf(captures)];
  for (const kind of Object.keys(WORDS) as FindingInfo["kind"][]) {
    const proven = new Set<string>();
    const possible = new Set<string>();
    for (const [index, { findings }] of captures.entries()) {
      for (const finding of findings) {
        if (finding.kind !== kind) continue;
        for (const id of finding.activityIds) (isFact(finding) ? proven : possible).add(`${index} ${id}`);
      }
    }
    for (const id of proven) possible.delete(id);
    if (proven.size > 0) parts.push(`${number(proven.size)} ${WORDS[kind]}`);
    if (possible.size > 0) parts.push(`${number(possible.size)} perhaps ${WORDS[kind]}`);
  }
  return parts.join(", ");
}

/** Such as "5,000 tasks": what the programs run. Threads count only where there is nothing else. */
function amountOf(captures: readonly Capture[]): string {
  const texts = amounts(captures, ({ kind }) => kind !== "thread");
  return texts === "" ? amounts(captures, ({ kind }) => kind === "thread") : texts;
}

/** Such as "5 tasks, 2 greenlets": what a thread runs. */
export function amountIn(capture: Capture, threadId: string): string {
  return amounts([capture], (entry) => entry.threadId === threadId);
}

function amounts(
  captures: readonly Capture[],
  filter: (entry: { kind: ActivityKind; threadId?: string }) => boolean,
): string {
  const counts = new Map<ActivityKind, number>();
  const add = (kind: ActivityKind, count: number): void => void counts.set(kind, (counts.get(kind) ?? 0) + count);
  for (const { counts: told } of captures) for (const entry of told) if (filter(entry)) add(entry.kind, entry.count);
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${number(count)} ${kind.replace("_", " ")}${count === 1 ? "" : "s"}`)
    .join(", ");
}

function number(amount: number): string {
  return amount.toLocaleString("en-US");
}
