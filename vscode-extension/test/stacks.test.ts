import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { branchOf, curve, drawingOf, head, hitsOf, nextBox, type PlacedBox } from "../src/panel/layout";
import type { StackBox, Stacks } from "../src/panel/messages";
import { outlineOf } from "../src/panel/outline";
import { MOST_STACKS, parallelStacks, type Parallel } from "../src/panel/stacks";
import { frame, hidden, Program, task, thread } from "./program";
import { lines, stopped } from "./tree";

/** Where threads go on in tasks, tasks wait for locks in a circle, and many do the same. */
function standoff(): Program {
  const program = new Program();
  const lock = (holder: string): object => ({
    waitsFor: {
      kind: "lock",
      description: "lock",
      holders: [{ activityId: holder, permits: 1, evidence: "block" }],
    },
  });
  const visitor = { signature: 5, waitsFor: { kind: "event", description: "event" } };
  program.activities = [
    thread("thread-1", "MainThread", { dapThreadId: 1 }),
    task("t1", "Task-1", { state: "running" }),
    task("t2", "Task-2", lock("t3")),
    task("t3", "Task-3", lock("t2")),
    task("t4", "Task-4", lock("t3")),
    task("t5", "visitor 1", visitor),
    task("t6", "visitor 2", visitor),
    task("t7", "Task-7", { waitsFor: { kind: "tasks", description: "2 tasks", activityIds: ["t5", "t6"] } }),
    task("t8", "Task-8", { state: "created" }),
  ];
  program.findings = [{ kind: "deadlock", certain: true, text: "They wait.", activityIds: ["t2", "t3"], steps: [] }];
  const work = frame("work", 10);
  program.stacks.set("thread-1", {
    frames: [{ ...frame("watch", 20), activityId: "t1" }, hidden("run_forever", 600), frame("<module>", 50)],
  });
  program.stacks.set("t1", { frames: [frame("watch", 20), frame("main", 40)] });
  program.stacks.set("t2", { frames: [hidden("acquire", 100), frame("charge", 1), work] });
  program.stacks.set("t3", { frames: [hidden("acquire", 100), frame("refund", 2), work] });
  program.stacks.set("t4", { frames: [hidden("acquire", 100), frame("refund", 2), work] });
  program.stacks.set("t5", { frames: [hidden("wait", 200), frame("visit", 3)] });
  program.stacks.set("t7", { frames: [frame("gather", 4, { library: true }), hidden("step", 9)] });
  program.stacks.set("t8", { frames: [] });
  return program;
}

async function merged(program: Program, isFolded = true): Promise<Parallel> {
  const { store } = stopped({ Shop: program });
  for (const capture of store.captures) await capture.loadAll();
  for (const session of store.sessions) session.stop = { threadId: 1 };
  return await parallelStacks(store.sessions, isFolded, () => undefined);
}

function draw({ boxes, edges }: Stacks): string {
  const titles = new Map(boxes.map(({ id, title, frames }) => [id, `${title} in ${frames.at(-1)?.name ?? ""}`]));
  const rows: string[] = [];
  const add = (parent: string | undefined, depth: number): void => {
    for (const box of boxes.filter((each) => each.parent === parent)) {
      const { title, detail, frames, tone, isCurrent } = box;
      const marks = [tone, isCurrent ? "here" : undefined].filter((mark) => mark !== undefined).join(" ");
      const names = frames.map(({ name, place }) => `${name} ${place}`.trim()).join(" > ");
      rows.push(`${"  ".repeat(depth)}${title}: ${names} | ${detail}${marks === "" ? "" : ` (${marks})`}`);
      add(box.id, depth + 1);
    }
  };
  add(undefined, 0);
  const arrows = edges.map(({ from, to, kind, count, isBad }) => {
    const amount = count > 1 ? ` x${count}` : "";
    return `${titles.get(from) ?? ""} -${kind}${amount}-> ${titles.get(to) ?? ""}${isBad ? " (bad)" : ""}`;
  });
  return [...rows, ...arrows].join("\n");
}

describe("parallel stacks", () => {
  test("frames that stacks have in common are one box, and waits are edges", async () => {
    const { message } = await merged(standoff());
    assert.equal(
      draw(message),
      lines(`
        1 thread: <module> shop.py:50 > 1 library frame | running (here)
        3 tasks: work shop.py:10 |
          Task-2: charge shop.py:1 > 1 library frame | deadlocked: lock ← Task-3 (error)
          2 tasks: refund shop.py:2 > 1 library frame | deadlocked: lock ← Task-2, and 1 more (error)
        2 tasks: visit shop.py:3 > 1 library frame | event
        Task-1: main shop.py:40 > watch shop.py:20 | running (here)
        Task-7: 1 library frame > gather shop.py:4 | 2 tasks
        Task-8: Not started | created
        Task-2 in 1 library frame -holder-> 2 tasks in 1 library frame (bad)
        2 tasks in 1 library frame -holder-> Task-2 in 1 library frame (bad)
        2 tasks in 1 library frame -holder-> 2 tasks in 1 library frame
        Task-7 in gather -awaits x2-> 2 tasks in 1 library frame
        1 thread in 1 library frame -runs-> Task-1 in watch
      `)
        .replace("1 thread: ", "MainThread: ")
        .replace("1 thread in", "MainThread in")
        .replace("shop.py:10 |", "shop.py:10 | "),
    );
  });

  test("frames of libraries can be shown", async () => {
    const { message } = await merged(standoff(), false);
    assert.match(draw(message), /Task-2: charge shop.py:1 > acquire base_events.py:100 \| deadlocked/);
    assert.match(draw(message), /Task-7: step base_events.py:9 > gather shop.py:4/);
  });

  test("one stack is read of those that are the same", async () => {
    const program = standoff();
    await merged(program);
    const asked = program.asked("asynctbStacks").flatMap((args) => (args as { activityIds: string[] }).activityIds);
    assert.equal(asked.includes("t5"), true);
    assert.equal(asked.includes("t6"), false);
  });

  test("frames lead back to where they are from, folded ones nowhere", async () => {
    const { message, targets } = await merged(standoff());
    const box = message.boxes.find(({ frames }) => frames[0]?.name === "charge");
    const [charge, folded] = targets.get(box?.id ?? "") ?? [];
    assert.equal(charge?.activity.info.id, "t2");
    assert.equal(charge.frame.name, "charge");
    assert.equal(folded, undefined);
    assert.deepEqual(box?.frames[1]?.folded, ["acquire"]);
  });

  test("boxes have the same names at the next stop", async () => {
    const ids = async (): Promise<string[]> => (await merged(standoff())).message.boxes.map(({ id }) => id);
    const found = await ids();
    assert.deepEqual(await ids(), found);
    assert.equal(new Set(found).size, found.length);
  });

  test("a stack that cannot be read is a box that says so", async () => {
    const program = standoff();
    program.stacks.delete("t2");
    const { message } = await merged(program);
    assert.match(draw(message), /^Task-2: the task has ended \| deadlocked: lock ← Task-3 \(error\)$/m);
  });

  test("of very many different stacks the important ones are drawn, and how many are missing is said", async () => {
    const program = new Program();
    program.activities = Array.from({ length: 1000 }, (_, n) => task(`t${n}`, `Task-${n}`, { signature: n >> 1 }));
    for (const { id } of program.activities)
      program.stacks.set(id, { frames: [frame("wait", Number(id.slice(1)) + 1)] });
    program.activities[999] = task("t999", "failed", { state: "done", failure: "ValueError" });
    const { message } = await merged(program);
    assert.equal(message.boxes.length, MOST_STACKS);
    assert.equal(message.boxes[0]?.title, "failed");
    assert.equal(message.note, "The most important 300 different stacks are drawn; 401 tasks have others.");
  });

  test("ten thousand tasks are as few boxes as they have stacks", async () => {
    const program = new Program();
    const stack = { frames: [hidden("wait", 1), frame("visit", 2), frame("visitor", 3)] };
    program.activities = Array.from({ length: 10_000 }, (_, n) => task(`t${n}`, `visitor ${n}`, { signature: 1 }));
    program.stacks.set("t0", stack);
    const { message } = await merged(program);
    const [box] = message.boxes;
    assert.equal(message.boxes.length, 1);
    assert.equal(box?.title, "10,000 tasks");
    assert.deepEqual([box.members.length, box.moreMembers], [20, 9980]);
  });
});

describe("the outline", () => {
  test("has all that is drawn", async () => {
    const { message } = await merged(standoff());
    const text = outlineOf(message, new Set(), undefined)
      .map(
        ({ level, text: words, detail }) => `${"  ".repeat(level - 1)}${words}${detail === "" ? "" : ` | ${detail}`}`,
      )
      .join("\n");
    assert(
      text.includes(
        lines(`
          3 tasks
            work | shop.py:10
            Task-2 | deadlocked: lock ← Task-3
              charge | shop.py:1
              1 library frame | acquire
              Held by 2 tasks | in a circle
            2 tasks | deadlocked: lock ← Task-2, and 1 more
              refund | shop.py:2
              1 library frame | acquire
              Task-3 | lock ← Task-2
              Task-4 | lock ← Task-3
              Held by Task-2 | in a circle
        `),
      ),
      text,
    );
    const charge = outlineOf(message, new Set(), undefined).find((line) => line.text === "Task-2");
    assert.deepEqual(charge?.leadsTo, { kind: "frame", index: 0 }); // not the frames that are folded
    assert.match(text, /MainThread \(stopped here\) \| running\n.*\n.*\n {2}Runs Task-1 \| watch\n/);
  });

  test("closed lines have nothing below, and a search leaves what was found with what is above", async () => {
    const { message } = await merged(standoff());
    const hits = hitsOf(message, "REFUND task-4");
    const found = outlineOf(message, new Set(), hits);
    assert.deepEqual(
      found.filter(({ isOpen }) => isOpen !== undefined).map(({ text }) => text),
      ["3 tasks", "2 tasks"],
    );
    assert.deepEqual([found[0]?.position, found[0]?.size], [1, 1]);
    const [root] = found;
    assert(root);
    assert.equal(outlineOf(message, new Set([root.key]), hits).length, 1);
  });
});

describe("the drawing", () => {
  test("boxes do not overlap, and calls go from left to right", async () => {
    const { message } = await merged(standoff());
    const { boxes, lines: all, width, height } = drawingOf(message, 7);
    for (const one of boxes) {
      assert(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height);
      for (const other of boxes) {
        const apart =
          one === other ||
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        assert(apart, `${one.box.title} ${other.box.title}`);
      }
    }
    const at = (id: string): PlacedBox | undefined => boxes.find(({ box }) => box.id === id);
    const calls = all.filter(({ kind }) => kind === "calls");
    assert.equal(calls.length, 2);
    for (const { from, to } of calls) assert((at(from)?.x ?? 0) < (at(to)?.x ?? 0));
    assert.equal(all.filter(({ isBad }) => isBad).length, 2);
    assert(!all.some(({ from, to }) => from === to));
    assert.deepEqual(all.flatMap(({ label }) => (label === "" ? [] : [label])).sort(), [
      "awaits × 2",
      "held by",
      "held by",
      "runs",
    ]);
  });

  test("a long chain of waits is drawn in time", () => {
    const boxes = Array.from({ length: 300 }, (_, n): StackBox => {
      const frames = [{ name: "wait", place: "shop.py:1", isLibrary: false }];
      return { id: String(n), title: `Task-${n}`, detail: "", frames, isCurrent: false, members: [], moreMembers: 0 };
    });
    const edges = boxes.map(({ id }, n) => {
      return { from: id, to: String((n + 1) % 300), kind: "holder" as const, count: 1, isBad: true };
    });
    const start = performance.now();
    const drawing = drawingOf({ type: "stacks", boxes, edges, note: "" }, 7);
    assert(performance.now() - start < 5000);
    assert.equal(drawing.lines.length, 300);
    assert(drawing.width > drawing.height);
    for (const { points } of drawing.lines) assert(points.length >= 2);
  });

  test("keys lead to the box beside", () => {
    const box = (id: string, x: number, y: number): PlacedBox => {
      const stack = { id, title: id, detail: "", frames: [], isCurrent: false, members: [], moreMembers: 0 };
      return { box: stack, x, y, width: 10, height: 10 };
    };
    const [one, two, three] = [box("one", 0, 0), box("two", 100, 0), box("three", 100, 50)];
    const next = (from: PlacedBox, direction: "left" | "right" | "up" | "down"): string | undefined =>
      nextBox([one, two, three], from, direction)?.box.id;
    assert.equal(next(one, "right"), "two");
    assert.equal(next(two, "down"), "three");
    assert.equal(next(three, "left"), "one");
    assert.equal(next(two, "right"), undefined);
  });

  test("a branch is what a box stands in", async () => {
    const { message } = await merged(standoff());
    const named = (name: string): StackBox | undefined => message.boxes.find(({ frames }) => frames[0]?.name === name);
    const names = (id: string | undefined): (string | undefined)[] =>
      [...branchOf(message, id)].map((each) => message.boxes.find((box) => box.id === each)?.frames[0]?.name);
    assert.deepEqual(names(named("charge")?.id), ["charge", "work"]);
    assert.deepEqual(names(named("work")?.id), ["work", "charge", "refund"]);
    assert.deepEqual(names(undefined), ["<module>", "main"]);
  });

  test("lines are curves with a head", () => {
    const points = [
      { x: 0, y: 0 },
      { x: 5, y: 5 },
      { x: 10, y: 0 },
    ];
    assert.equal(curve(points), "M0.0,0.0Q5.0,5.0 10.0,0.0");
    assert.equal(curve(points.slice(0, 2)), "M0.0,0.0L5.0,5.0");
    assert.match(head(points), /^M10\.0,0\.0L.*Z$/);
  });
});
