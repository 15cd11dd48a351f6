import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CaptureEnded } from "../src/model/capture";
import { Cancelled, textOf, textOfSessions, textOfWhy } from "../src/model/text";
import { context, frame, Program, shop, task, thread } from "./program";
import { find, stopped, type Tree } from "./tree";

/** With as little as possible loaded and listed before. */
function unpaged(program: Program): Tree {
  return stopped({ Shop: program }, { pageSize: Infinity });
}

describe("text for the clipboard", () => {
  test("of a stack", async () => {
    const tree = unpaged(shop());
    const { text, stacks } = await textOf([await find(tree, "ship-2"), await find(tree, "printer")], tree.outline);
    assert.equal(
      text,
      "ship-2  (created)\n  it has not started\nprinter  (running · wait shop.py:331)\n  wait  (shop.py:331)\n",
    );
    assert.equal(stacks, 2);
  });

  test("of a stack with the tasks of a group listed, not drawn once more", async () => {
    const tree = unpaged(shop());
    const { text } = await textOf([await find(tree, "main", "activity")], tree.outline);
    assert.match(text, /TaskGroup[^\n]+\n {6}ship-1[^\n]+\n {6}Task /);
  });

  test("has addresses of managers, and folded frames stay folded", async () => {
    const tree = unpaged(shop());
    const { text } = await textOf([await find(tree, "ship-1")], tree.outline);
    assert.match(text, /^ship-1 {2}\(waits for lock · reserve shop.py:17\)\n/);
    assert.match(text, /async with Lock {2}\([^)]*line 17 · 0x7f00\)\n/);
    assert.match(text, / {2}2 internal frames {2}\(acquire, __aenter__\)\n {2}reserve/);
  });

  test("of everything says first what, where and when it was", async () => {
    const program = shop();
    const main = program.activities[0];
    assert(main);
    main.dapThreadId = 3;
    const tree = unpaged(program);
    const [session] = tree.store.sessions;
    assert(session);
    session.stopped({ reason: "breakpoint", threadId: 3 });
    const { text, stacks } = await textOfSessions(tree.store.sessions, tree.outline);
    assert.match(
      text,
      /^Async stacks of Shop\nCPython 3.12.1 on linux, process 4711\nPaused \(breakpoint\) in main, \/project\/shop.py:50\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n5 stacks\n\nMainThread/,
    );
    assert.equal(stacks, 5);
    tree.options = { ...tree.options, filter: "printer" };
    const filtered = await textOfSessions(tree.store.sessions, tree.outline);
    assert.match(filtered.text, /\n1 of 5 stacks · filter: printer\n\nprinter/);
    session.resumed(false);
    session.refresh();
    assert.match((await textOfSessions(tree.store.sessions, tree.outline)).text, /\nRunning, seen without pausing\n/);
  });

  test("lists the tasks of a group once", async () => {
    const program = shop();
    const stack = program.stacks.get("t1");
    assert(stack);
    program.stacks.set("thread-1", stack); // the thread runs the task
    const tree = unpaged(program);
    const { text } = await textOfSessions(tree.store.sessions, tree.outline);
    const [first, second, ...others] = [...text.matchAll(/TaskGroup.*\n(.*)\n/g)].map((match) => match[1]?.trim());
    assert.match(first ?? "", /^ship-1 /);
    assert.match(second ?? "", /^Task /);
    assert.match(text, /\n {8}1 task, listed above\n/);
    assert.deepEqual(others, []);
  });

  test("of ten thousand stacks has them all", async () => {
    const program = many(10_000);
    const tree = unpaged(program);
    await tree.outline.children(undefined);
    const seen: number[] = [];
    const reader = { progress: (stacks: number) => void seen.push(stacks), isCancelled: () => false };
    const { text, stacks } = await textOfSessions(tree.store.sessions, tree.outline, reader);
    assert.equal(stacks, 10_001);
    assert.doesNotMatch(text, /Show More/);
    assert.match(text, /\n {2}task 10000 [^\n]*\n {4}wait /);
    assert.equal(seen.at(-1), 10_001);
    const [row] = await stopped({ Shop: many(1_500) }, { pageSize: Infinity }).outline.children(undefined);
    assert(row);
    assert.equal((await textOf([row], tree.outline)).stacks, 1_501);
  });

  test("of why nothing moves has the findings, their steps, and the stacks of these", async () => {
    const program = shop();
    const tree = unpaged(program);
    assert.match(
      (await textOfWhy(tree.store.sessions, tree.outline)).text,
      /\n3 tasks\n\nNothing is known to be stuck/,
    );
    const text = "task ship-1 waits for lock, which nobody holds";
    program.findings = [
      {
        kind: "abandoned",
        certain: false,
        text,
        activityIds: ["t2"],
        steps: [{ activityId: "t2", text, location: { source: 0, line: 17 } }],
      },
    ];
    tree.store.sessions[0]?.stopped();
    const why = await textOfWhy(tree.store.sessions, tree.outline);
    assert.match(why.text, /\n3 tasks, 1 perhaps abandoned\n\nAbandoned\?: task ship-1 waits/);
    assert.match(why.text, /\nship-1 {2}\(task ship-1 waits [^\n]*\n {2}2 internal frames [^\n]*\n {2}reserve /);
    assert.doesNotMatch(why.text, /printer/);
  });

  test("can be cancelled", async () => {
    const program = many(2_000);
    const tree = unpaged(program);
    let stacks = 0;
    const reader = { progress: (soFar: number) => void (stacks = soFar), isCancelled: () => stacks >= 150 };
    await assert.rejects(textOfSessions(tree.store.sessions, tree.outline, reader), Cancelled);
    assert.ok(program.asked("asynctbStacks").length < 5);
  });

  test("is not cut short by a program that goes on", async () => {
    const tree = unpaged(many(300));
    const [session] = tree.store.sessions;
    const reader = { progress: () => session?.resumed(false), isCancelled: () => false };
    await assert.rejects(textOfSessions(tree.store.sessions, tree.outline, reader), CaptureEnded);
  });

  test("says what could not be loaded", async () => {
    const program = shop();
    program.failures.push({ command: "asynctbSnapshot", message: "internal: too bad" });
    program.failures.push({ command: "asynctbSnapshot", message: "internal: too bad" });
    const tree = unpaged(program);
    const { text, stacks } = await textOfSessions(tree.store.sessions, tree.outline);
    assert.match(text, /\n\n.*too bad\n$/);
    assert.equal(stacks, 0);
  });
});

function many(count: number): Program {
  const program = new Program();
  program.activities = [thread("thread-1", "MainThread")];
  program.stacks.set("thread-1", { frames: [frame("main", 50)] });
  for (let n = 1; n <= count; n++) {
    program.activities.push(task(`t${n}`, `task ${n}`, { top: frame("wait", 7) }));
    program.stacks.set(`t${n}`, { frames: [frame("wait", 7, { contexts: [context("asyncio.locks.Lock", 6)] })] });
  }
  return program;
}
