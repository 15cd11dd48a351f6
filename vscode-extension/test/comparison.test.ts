import assert from "node:assert/strict";
import { test } from "node:test";
import { comparisonOf } from "../src/model/comparison";
import { Store, type Session } from "../src/model/store";
import { frame, options, Program, task, thread } from "./program";

const wait = (description: string, holder?: string): object => ({
  waitsFor: {
    kind: "lock",
    description,
    ...(holder !== undefined && { holders: [{ activityId: holder, permits: 1, evidence: "block" }] }),
  },
});

async function compared(session: Session): Promise<string | undefined> {
  assert.ok(session.capture);
  await session.capture.loadAll();
  return comparisonOf("Shop", session.capture);
}

test("two stops beside each other: what is new, has ended, gone on and stayed", async () => {
  const program = new Program();
  const finding = (text: string): Program["findings"][number] => ({
    kind: "deadlock",
    certain: true,
    text,
    activityIds: ["t1", "t2"],
    steps: [],
  });
  program.activities = [
    thread("thread-1", "MainThread"),
    task("t1", "left", { top: frame("take", 9), ...wait("lock", "t2") }),
    task("t2", "right", { top: frame("take", 9), ...wait("lock", "t1") }),
    ...[0, 1, 2, 3, 4, 5, 6].map((n) => task(`q${n}`, `idle-${n}`, { top: frame("idle", 20), ...wait("event") })),
    task("t3", "gone", { top: frame("gone", 30) }),
  ];
  program.findings = [finding("left waits for right"), finding("old")];
  const session = new Store(options()).open("s1", () => "Shop", program.send);
  session.stopped();
  assert.equal(await compared(session), undefined, "there is nothing to compare the first stop with");
  assert.ok(session.capture);
  session.capture.takenAt = new Date(1_000_000);
  session.resumed(false);
  program.activities = [
    ...program.activities.filter(({ id }) => id !== "t3" && id !== "t1"),
    task("t1", "left", { top: frame("give", 12) }),
    task("t4", "fresh", { state: "created" }),
  ];
  program.findings = [finding("left waits for right"), finding("new")];
  session.stopped();
  await session.capture.loadAll();
  session.capture.takenAt = new Date(1_012_300);
  assert.equal(
    await compared(session),
    `Shop, 12 s after the stop before: 1 new, 1 ended, 1 moved, 8 where they were

= Deadlock: left waits for right
+ Deadlock: new
- Deadlock: old

+ task fresh  created
- task gone  before: suspended · gone shop.py:30
~ task left  suspended · give shop.py:12  before: suspended: lock, held by right · take shop.py:9
= task right  suspended: lock, held by left · take shop.py:9
= 7 tasks idle-0, idle-1, idle-2, idle-3, idle-4 and 2 more  suspended: event · idle shop.py:20
`,
  );
});
