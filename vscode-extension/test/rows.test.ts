import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actionsOf } from "../src/model/actions";
import { focusable } from "../src/model/focusable";
import { severity, statusOf, stuck as stuckIn } from "../src/model/findings";
import { relatives } from "../src/model/relatives";
import type { ActivityInfo, Frame, SearchArguments, StepInfo } from "../src/protocol";
import { labelOf, liveText, summaryOf } from "../src/model/labels";
import { textOf } from "../src/model/text";
import { context, Program, frame, hidden, shop, task, thread } from "./program";
import { draw, find, lines, newTree, stopped } from "./tree";

describe("what a stop shows", () => {
  test("threads with their tasks, nothing loaded below them", async () => {
    const program = shop();
    assert.equal(
      await draw(stopped({ Shop: program })),
      lines(`
        v MainThread | 3 tasks
          > Thread Stack | main shop.py:50
          > main | shop.py:50 · running · Task-1
          > ship-1 | lock · reserve shop.py:17
          > ship-2 | created
        > printer | running · wait shop.py:331
      `),
    );
    assert.equal(program.asked("asynctbStacks").length, 0);
  });

  test("frames innermost first, with managers, what is inside them, and folded internals", async () => {
    assert.equal(
      await draw(stopped({ Shop: shop() }), "all"),
      lines(`
        v MainThread | 3 tasks
          v Thread Stack | main shop.py:50
              main | shop.py:50
            v 1 internal frame | run_forever
                run_forever | base_events.py:641
          v main | shop.py:50 · running · Task-1
            v main | shop.py:50
              v async with TaskGroup as group | line 43
                v ship-1 | lock · reserve shop.py:17
                  v 2 internal frames | acquire, __aenter__
                      Lock.acquire | base_events.py:112
                      __aenter__ | base_events.py:14
                  v reserve | shop.py:17
                      async with Lock | entering · locked, 1 waiting · line 17
                  v ship | shop.py:25
                    v async with connection() as link | line 22
                      v connection | shop.py:13
                          async with Timeout | line 12
                    v async with AsyncExitStack as cleanup | 2 entries · line 22
                        callback sleep
                        suppress
                  v 1 internal frame | _run
                      _run | base_events.py:84
                  Task | 0x7f02
          v ship-1 | lock · reserve shop.py:17
            v 2 internal frames | acquire, __aenter__
                Lock.acquire | base_events.py:112
                __aenter__ | base_events.py:14
            v reserve | shop.py:17
                async with Lock | entering · locked, 1 waiting · line 17
            v ship | shop.py:25
              v async with connection() as link | line 22
                v connection | shop.py:13
                    async with Timeout | line 12
              v async with AsyncExitStack as cleanup | 2 entries · line 22
                  callback sleep
                  suppress
            v 1 internal frame | _run
                _run | base_events.py:84
          v ship-2 | created
              it has not started
        v printer | running · wait shop.py:331
            wait | shop.py:331
      `),
    );
  });

  test("managers as the source spells them", async () => {
    const program = shop();
    const suppress = context("contextlib.suppress", 14, { description: "suppress(KeyError)", isAsync: false });
    program.stacks.set("thread-2", { frames: [frame("wait", 331, { contexts: [suppress] })] });
    const tree = stopped({ Shop: program });
    const source = Array<string>(50).fill("");
    source[11] = "    with asyncio.timeout(3):";
    source[13] = "    with contextlib.suppress(KeyError):";
    source[16] = "    async with shop.stock_lock:";
    source[21] = "    async with connection() as link, contextlib.AsyncExitStack() as cleanup:  # both";
    source[42] = "    async with asyncio.TaskGroup() as group:";
    tree.files.set("/project/shop.py", source.join("\n"));
    const drawn = await draw(tree, "all");
    assert.match(drawn, /\n +async with shop\.stock_lock \| entering · Lock · locked, 1 waiting · line 17\n/);
    assert.match(drawn, /\n +v async with connection\(\) as link \| line 22\n/);
    assert.match(drawn, /\n +v async with contextlib\.AsyncExitStack\(\) as cleanup \| 2 entries · line 22\n/);
    assert.match(drawn, /\n +v async with asyncio\.TaskGroup\(\) as group \| line 43\n/);
    assert.match(drawn, /\n +with contextlib\.suppress\(KeyError\) \| line 14$/m);
    assert.match(drawn, /\n +async with asyncio\.timeout\(3\) \| Timeout · line 12\n/);
  });

  test("frames of a task that runs inside of another one stand there", async () => {
    const program = shop();
    program.stacks.set("t1", {
      frames: [frame("reserve", 17), frame("ship", 25, { activityId: "t2" }), frame("main", 50)],
    });
    program.stacks.set("t2", { frames: [frame("reserve", 17), frame("ship", 25)] });
    const drawn = await draw(stopped({ Shop: program }), "all");
    assert.match(drawn, /Goes on in ship-1\n +main \| shop\.py:50\n/);
    assert.equal(drawn.split("reserve | shop.py:17\n").length - 1, drawn.split(" ship-1 | ").length - 1);
  });

  test("the exception that a block is being left on account of", async () => {
    const program = shop();
    const transaction = { phase: "exiting", exception: "ValueError: no such item" } as const;
    program.stacks.set("t1", {
      frames: [frame("main", 50, { contexts: [context("shop.Transaction", 1, transaction)] })],
    });
    assert.match(
      await draw(stopped({ Shop: program }), "all"),
      /async with Transaction \| exiting because of ValueError: no such item · line 1\n/,
    );
  });

  test("short addresses of managers that the same words describe", async () => {
    const program = shop();
    const locks = (...addresses: string[]): void => {
      const contexts = addresses.map((address, index) =>
        context("asyncio.locks.Lock", index + 1, {
          description: "locked",
          manager: { type: "asyncio.locks.Lock", address },
        }),
      );
      program.stacks.set("t1", { frames: [frame("main", 50, { contexts })] });
    };
    locks("0x7f3c2a1b5d10", "0x7f3c2a1b5d10");
    const tree = stopped({ Shop: program });
    const session = tree.store.get("session Shop");
    await draw(tree, "all");
    assert.match(await draw(tree, "all"), /Lock \| locked · line 1\n +async with Lock \| locked · line 2\n/);
    assert.deepEqual(tree.changes, []);
    locks("0x7f3c2a1b5d10", "0x7f3c2a1b5e20", "0x7f3c2a1b5f30");
    session?.stopped();
    await draw(tree, "all");
    assert.deepEqual(tree.changes, [undefined]);
    assert.match(
      await draw(tree, "all"),
      /Lock \| locked · at …b5d10 · line 1\n +async with Lock \| locked · at …b5e20 · line 2\n.*…b5f30/,
    );
    assert.deepEqual(tree.changes, [undefined]);
    const { text } = await textOf([await find(tree, "main", "activity")], tree.outline);
    assert.match(text, /\(locked · line 1 · 0x7f3c2a1b5d10\)/);
  });

  test("the innermost object, if it is not known what is waited for", async () => {
    const program = shop();
    delete program.activities[2]?.waitsFor;
    const rows = await stopped({ Shop: program }).outline.children(await find(stopped({ Shop: program }), "ship-1"));
    assert.equal(rows[0]?.kind, "object");
  });

  test("internal frames among the others on request", async () => {
    const drawn = await draw(stopped({ Shop: shop() }, { showHidden: true }), "all");
    assert.match(drawn, / {2}v ship-1 .*\n +Lock.acquire \| base_events.py:112\n +__aenter__/);
    assert.doesNotMatch(drawn, /internal frame/);
  });

  test("several sessions side by side, running ones too", async () => {
    const tree = stopped({ Shop: shop(), Bank: shop() });
    tree.store.open("session Idle", () => "Idle", new Program().send);
    assert.match(
      await draw(tree),
      /^v Shop \| paused\n {2}v MainThread[^]+\nv Bank \| paused\n {2}v Main[^]+\n {2}Idle \| running$/,
    );
    for (const session of tree.store.sessions) session.resumed(false);
    assert.equal(await draw(tree), "");
  });

  test("what a running thread waits for instead of that it runs", async () => {
    const program = shop();
    const printer = program.activities.at(-1);
    assert(printer);
    printer.waitsFor = { kind: "queue_get", description: "item of a queue" };
    const tree = stopped({ Shop: program });
    const { description, spoken } = labelOf(await find(tree, "printer"));
    assert.equal(description, "item of a queue · wait shop.py:331");
    assert.equal(spoken, "waits for item of a queue · wait shop.py:331");
  });

  test("when pictures of running programs were taken", async () => {
    const tree = stopped({ Shop: shop() });
    const { sessions } = tree.store;
    assert.equal(liveText(sessions), "");
    sessions[0]?.resumed(false);
    tree.store.showRunning();
    await draw(tree);
    const { capture } = sessions[0] ?? assert.fail();
    assert(capture);
    capture.takenAt = new Date(2024, 1, 2, 14, 3, 12);
    assert.equal(liveText(tree.store.sessions), "Running. This picture was taken at 14:03:12.");
    tree.store.open("session Bank", () => "Bank", shop().send);
    assert.equal(liveText(tree.store.sessions), "Shop: running. This picture was taken at 14:03:12.");
  });

  test("loops apart if a thread has several", async () => {
    const program = new Program();
    program.activities = [
      thread("thread-1", "MainThread"),
      task("t1", "one", { loopId: "loop-1" }),
      task("t2", "two", { loopId: "loop-2" }),
    ];
    assert.equal(
      await draw(stopped({ Shop: program })),
      lines(`
        v MainThread | 2 tasks
          > Thread Stack
          v loop-1 | 1 task
            > one | suspended
          v loop-2 | 1 task
            > two | suspended
      `),
    );
  });

  test("rows keep their identity from stop to stop", async () => {
    const program = shop();
    const tree = stopped({ Shop: program });
    const idOf = async (label: string): Promise<string> => (await find(tree, label)).id;
    const before = [await idOf("ship-1"), await idOf("ship")];
    program.stacks.get("t2")?.frames.shift(); // an inner frame returned
    tree.store.get("session Shop")?.stopped();
    assert.deepEqual([await idOf("ship-1"), await idOf("ship")], before);
    const ids = new Set<string>();
    let rows = 0;
    const collect = async (row: Parameters<typeof labelOf>[0] | undefined): Promise<void> => {
      for (const child of await tree.outline.children(row)) {
        ids.add(child.id);
        rows += 1;
        await collect(child);
      }
    };
    await collect(undefined);
    assert.equal(ids.size, rows);
  });

  test("notes about what could not be determined", async () => {
    const program = shop();
    program.notes = ["Context managers cannot be read on this interpreter."];
    const drawn = await draw(stopped({ Shop: program }));
    assert.match(drawn, /\n {2}Context managers cannot be read on this interpreter.$/);
  });
});

describe("findings", () => {
  function stuck(): Program {
    const program = new Program();
    program.activities = [thread("thread-1", "MainThread"), task("t1", "left"), task("t2", "right")];
    const holders = [{ activityId: "t2", permits: 1, evidence: "block" as const }];
    const [, left] = program.activities;
    if (left) left.waitsFor = { kind: "lock", description: "lock", holders };
    program.findings = [
      {
        kind: "deadlock",
        certain: true,
        text: "left waits for lock, held by right; right waits for lock, held by left",
        activityIds: ["t1", "t2"],
        steps: [],
      },
      { kind: "starved", certain: false, text: "3 wait for semaphore", activityIds: [], steps: [] },
    ];
    return program;
  }

  test("come first, with their steps inside; who holds what stands in the row", async () => {
    const program = stuck();
    const [deadlock] = program.findings;
    const step = (activityId: string, name: string, other: string, line: number): StepInfo => ({
      activityId,
      text: `task ${name} waits for lock at shop.py:${line}, held by task ${other} since shop.py:2`,
      location: { source: 0, line },
    });
    deadlock?.steps.push(step("t1", "left", "right", 7), step("t2", "right", "left", 9));
    program.stacks.set("t1", { frames: [frame("take", 7)] });
    const tree = stopped({ Shop: program });
    assert.equal(
      await draw(tree),
      lines(`
        v Deadlock | left → right → left
          > left | lock ← right · shop.py:7
          > right | shop.py:9
        v Starved? | 3 wait for semaphore
        v MainThread | 2 tasks
          > Thread Stack
          > left | lock ← right
          > right | suspended
      `),
    );
    const row = await find(tree, "Deadlock");
    assert.equal(labelOf(row).spoken, "left waits for lock, held by right; right waits for lock, held by left");
    const [first] = await tree.outline.children(row);
    assert.ok(first?.kind === "step");
    assert.match(labelOf(first).tooltip[0] ?? "", /^Deadlock: task left waits .* since shop\.py:2$/);
    assert.deepEqual(
      (await tree.outline.children(first)).map((each) => labelOf(each).label),
      ["take"],
    );
    assert.equal(statusOf(tree.store.captures), "2 tasks, 2 deadlocked");
    assert.equal(stuckIn(tree.store.captures).size, 2);
  });

  test("tell in the status bar what is proven and what is not", async () => {
    const program = stuck();
    const [, starved] = program.findings;
    starved?.activityIds.push("t1", "t3");
    const tree = stopped({ Shop: program, Bank: shop() });
    await Promise.all(tree.store.captures.map((capture) => capture.load()));
    assert.equal(statusOf(tree.store.captures), "5 tasks, 2 deadlocked, 2 perhaps starved");
    assert.equal(severity(tree.store.captures), "proven");
    program.findings.shift();
    tree.store.sessions[0]?.stopped();
    await draw(tree);
    assert.equal(severity(tree.store.captures), "possible");
  });

  test("lead to holders and to those who wait", async () => {
    const tree = stopped({ Shop: stuck() });
    await draw(tree);
    const [capture] = tree.store.captures;
    const [left, right] = ["t1", "t2"].map((id) => capture?.activity(id) ?? assert.fail());
    assert.ok(capture && left && right);
    assert.deepEqual(relatives(capture, left, "holder"), [right]);
    assert.deepEqual(relatives(capture, right, "awaiter"), [left]);
    assert.deepEqual(relatives(capture, right, "holder"), []);
    const row = await find(tree, "left");
    assert.match(actionsOf(row).contextValue, /\bholder\b/);
  });
});

describe("rows", () => {
  test("of tasks with names that frameworks make up begin with the user's function and line", async () => {
    const program = new Program();
    const library = { name: "receive", location: { source: 1, line: 5 } };
    const wait = (holder: string): Partial<ActivityInfo> => ({
      waitsFor: {
        kind: "lock",
        description: "lock",
        holders: [{ activityId: holder, permits: 1, evidence: "owner" }],
      },
      top: frame("Shop.reserve", 55),
      innermost: library,
    });
    program.activities = [
      thread("thread-1", "MainThread"),
      task("t1", "Task-25", wait("t2")),
      task("t2", "__main__.charge", { top: frame("charge", 60) }),
      task("t3", "worker", wait("t2")),
      task("t4", "Task-7", { state: "created" }),
    ];
    const tree = stopped({ Shop: program });
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 4 tasks
          > Thread Stack
          > reserve | shop.py:55 · lock ← __main__.charge · Task-25
          > charge | shop.py:60 · __main__.charge
          > worker | lock ← __main__.charge · reserve shop.py:55
          > Task-7 | created
      `),
    );
    const { tooltip } = labelOf(await find(tree, "reserve"));
    assert.ok(tooltip.includes("In: Shop.reserve, /project/shop.py:55"), tooltip.join("\n"));
    assert.ok(tooltip.includes("From there in: receive, /usr/lib/python3.12/asyncio/base_events.py:5"));
  });

  test("of library frames are folded, unless there are no others", async () => {
    const program = shop();
    const library: Frame = { name: "receive", location: { source: 1, line: 5 }, library: true };
    program.stacks.set("t2", { frames: [hidden("get", 1), library, frame("reserve", 17), library] });
    program.stacks.set("thread-2", { frames: [library] });
    const tree = stopped({ Shop: program });
    const under = async (label: string): Promise<string[]> =>
      (await tree.outline.children(await find(tree, label))).map((row) => labelOf(row).label);
    assert.deepEqual(await under("ship-1"), ["2 library frames", "reserve", "1 library frame"]);
    assert.deepEqual(await under("printer"), ["receive"]);
  });
});

describe("what the debugger's own views show", () => {
  test("is the frame of a row, and the user's own of a task", async () => {
    const program = shop();
    const library: Frame = { name: "receive", location: { source: 1, line: 5 }, library: true, frameId: 8 };
    const contexts = [context("asyncio.locks.Lock", 17)];
    const own = frame("reserve", 17, { frameId: 9, contexts });
    program.stacks.set("t2", { frames: [{ ...hidden("get", 1), frameId: 7 }, library, own, frame("ship", 25)] });
    program.stacks.set("thread-2", { frames: [library] });
    const tree = stopped({ Shop: program });
    const frameOf = async (label: string): Promise<number | undefined> =>
      (await focusable(await find(tree, label)))?.frameId;
    assert.equal(await frameOf("ship-1"), 9);
    assert.equal(await frameOf("reserve"), 9);
    assert.equal(await frameOf("async with Lock"), 9);
    assert.equal(await frameOf("get"), 7);
    assert.equal(await frameOf("printer"), 8);
    assert.equal(await frameOf("ship"), undefined); // the debugger cannot look into it
    assert.equal(await frameOf("ship-2"), undefined); // it has not begun
  });
});

describe("arrangements", () => {
  const family = (): Program => {
    const program = new Program();
    const lock = (holder: string): Partial<ActivityInfo> => ({
      waitsFor: {
        kind: "lock",
        description: "lock",
        target: { type: "asyncio.locks.Lock", address: "0x7f00" },
        holders: [{ activityId: holder, permits: 1, evidence: "owner" }],
      },
    });
    program.activities = [
      thread("thread-1", "MainThread"),
      task("t1", "parent", { top: frame("main", 50) }),
      task("t2", "child", { parentId: "t1", ...lock("t1") }),
      task("t3", "grandchild", { parentId: "t2", ...lock("t1") }),
      task("t4", "egg", { parentId: "t5" }),
      task("t5", "hen", { parentId: "t4" }),
      task("t6", "lost", { state: "done", failure: "ValueError" }),
    ];
    program.stacks.set("t1", { frames: [frame("main", 50)] });
    return program;
  };

  test("as a tree have tasks under those that they belong to, and lose none", async () => {
    const tree = stopped({ Shop: family() });
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 6 tasks
          > Thread Stack
          v parent | main shop.py:50
            > Stack | main shop.py:50
            v child | lock ← parent
              > Stack
              > grandchild | lock ← parent
          v egg | suspended
            > Stack
            > hen | suspended
          > lost | failed with ValueError
      `),
    );
    const [capture] = tree.store.captures;
    assert(capture);
    const row = await tree.outline.locate(capture, "t3");
    assert.equal(row?.parent?.kind === "activity" && row.parent.activity.info.name, "child");
    assert.equal(await tree.outline.locate(capture, "t9"), undefined);
  });

  test("by state have what is wrong first", async () => {
    assert.equal(
      await draw(stopped({ Shop: family() }, { arrangement: "states" })),
      lines(`
        v Failed | 1
          > lost | failed with ValueError
        v Running | 1
          > MainThread | running
        v Suspended | 5
          > parent | main shop.py:50
          > child | lock ← parent
          > grandchild | lock ← parent
          > egg | suspended
          > hen | suspended
      `),
    );
  });

  test("by wait have holders first", async () => {
    const tree = stopped({ Shop: family() }, { arrangement: "waits" });
    assert.match(
      await draw(tree),
      /^v Lock \| held by parent · 2 wait\n {2}> parent \| holds it · .*\n {2}> child .*\n {2}> grandchild .*\nv Not waiting \| 5\n/,
    );
    const [capture] = tree.store.captures;
    assert.ok(capture && (await tree.outline.locate(capture, "t3")));
  });

  test("are a tree of few and stacks of many, unless one is wanted", async () => {
    const program = family();
    const tree = stopped({ Shop: program }, { arrangement: "auto" });
    assert.match(await draw(tree), /v parent/);
    for (let n = 0; n < 300; n++) program.activities.push(task(`m${n}`, `many ${n}`, { signature: 1 }));
    tree.store.sessions[0]?.stopped();
    assert.match(await draw(tree), / {2}> 300 tasks: many 0 … \| suspended/);
    const [capture] = tree.store.captures;
    assert(capture);
    assert.equal((await tree.outline.locate(capture, "m299"))?.parent?.kind, "group");
    tree.options = { ...tree.options, arrangement: "tree", pageSize: 10 };
    assert.equal((await tree.outline.locate(capture, "m299"))?.parent?.kind, "activity");
  });

  test("say what is new since the last stop", async () => {
    const program = family();
    const tree = stopped({ Shop: program });
    await draw(tree);
    const session = tree.store.sessions[0] ?? assert.fail();
    session.resumed(true);
    program.activities.push(task("t7", "newcomer"));
    const [, parent] = program.activities;
    if (parent) parent.top = frame("main", 51);
    session.stopped();
    await draw(tree);
    const told = async (label: string): Promise<string> => labelOf(await find(tree, label)).spoken;
    assert.match(await told("newcomer"), /new since the last stop$/);
    assert.match(await told("parent"), /has gone on since the last stop$/);
    assert.doesNotMatch(await told("child"), /since/);
  });
});

describe("long lists", () => {
  function many(count: number): Program {
    const program = new Program();
    program.activities = [thread("thread-1", "MainThread")];
    for (let n = 1; n <= count; n++) program.activities.push(task(`t${n}`, `task ${n}`));
    return program;
  }

  test("show a page, and more on request", async () => {
    const tree = stopped({ Shop: many(5) }, { pageSize: 2 });
    const more = await find(tree, "Show More");
    assert.equal(labelOf(more).description, "3 not shown");
    assert.ok(more.kind === "more");
    await more.show();
    assert.match(await draw(tree), /task 4 [^]+Show More \| 1 not shown$/);
  });

  test("say how many there are before all are loaded, which happens unasked", async () => {
    const program = many(10_000);
    const tree = stopped({ Shop: program }, { pageSize: 600 });
    const [capture] = tree.store.captures;
    assert(capture);
    await capture.load();
    assert.match(await draw(tree), /^v MainThread \| 10,000 tasks\n/);
    await capture.loadAll();
    assert.equal(program.asked("asynctbSnapshot").length, 11);
    assert.match(await draw(tree), /task 600 \| suspended\n {4}Show More \| 9,400 not shown$/);
    const more = await find(tree, "Show More");
    assert.ok(more.kind === "more");
    await more.show();
    assert.match(await draw(tree), /task 1200 \| suspended\n {4}Show More \| 8,800 not shown$/);
  });

  test("are searched as a whole", async () => {
    const tree = stopped({ Shop: many(3_000) }, { filter: "TASK 2999" });
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 1 task
          > Thread Stack
          > task 2999 | suspended
      `),
    );
    assert.equal(summaryOf(tree.store.captures, "TASK 2999"), "1 of 3,001 stacks · filter: TASK 2999");
    assert.equal(summaryOf(tree.store.captures, ""), "3,001 stacks");
    assert.equal(summaryOf([], ""), "");
    tree.options = { ...tree.options, filter: "nowhere" };
    assert.equal(await draw(tree), "");
  });

  test("are searched in the process, with all that is in their stacks", async () => {
    const program = many(3_000);
    program.capabilities = { search: true };
    const outer = frame("serve", 4, { contexts: [context("app.Pool", 4)] });
    program.stacks.set("t2500", { frames: [frame("wait", 9), outer] });
    const tree = stopped({ Shop: program }, { filter: "APP.POOL" });
    const expected = lines(`
        v MainThread | 1 task
          > Thread Stack
          > task 2500 | suspended
      `);
    assert.equal(await draw(tree), expected);
    assert.deepEqual(
      program.asked("asynctbSearch").map((args) => (args as SearchArguments).start),
      [0, 1000, 2000, 3000],
    );
    assert.deepEqual(tree.searches, [
      "Searching the stacks of 1,000 of 3,001",
      "Searching the stacks of 2,000 of 3,001",
      "Searching the stacks of 3,000 of 3,001",
      undefined,
    ]);
    assert.equal(summaryOf(tree.store.captures, "APP.POOL"), "1 of 3,001 stacks · filter: APP.POOL");
    // Once for a picture.
    assert.equal(await draw(tree), expected);
    assert.equal(program.asked("asynctbSearch").length, 4);
  });

  test("are not shown half filtered by a filter that has changed meanwhile", async () => {
    const program = many(3);
    program.capabilities = { search: true };
    program.limit = 2;
    const tree = stopped({ Shop: program }, { filter: "nowhere" });
    let open!: () => void;
    program.gate = new Promise((resolve) => (open = resolve));
    const drawn = draw(tree);
    tree.options = { ...tree.options, filter: "task 1" };
    open();
    assert.match(await drawn, /task 1 \| suspended/);
  });

  test("that have failed stand where that was", async () => {
    const program = many(1);
    const failure = "ValueError: no such item";
    program.activities.push(task("failed", "fetch", { state: "done", failure, top: frame("look_up", 17) }));
    const tree = stopped({ Shop: program }, { filter: "failed with value" });
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 1 task
          > Thread Stack
          > fetch | failed with ValueError: no such item · look_up shop.py:17
      `),
    );
    const row = (await tree.outline.children((await tree.outline.children(undefined))[0])).pop();
    assert(row);
    assert.deepEqual(labelOf(row).tooltip.slice(0, 3), [
      "asyncio task fetch",
      "State: done",
      "Failed with: ValueError: no such item",
    ]);
    const contextsUnknown = "not recorded";
    program.stacks.set("failed", { frames: [17, 25].map((line) => ({ ...frame("look_up", line), contextsUnknown })) });
    const note = "Context managers unknown: a traceback does not record them";
    const seen = async (): Promise<string[]> => (await tree.outline.children(row)).map((below) => labelOf(below).label);
    assert.deepEqual(await seen(), [note, "look_up", "look_up"]);
    program.stacks.get("failed")?.frames.shift();
    tree.store.get("session Shop")?.capture?.forgetStack("failed");
    assert.deepEqual(await seen(), [note, "look_up"]);
    const [severity] = await tree.outline.children(row);
    assert.ok(severity?.kind === "note" && severity.severity === "info");
  });
});

describe("identical stacks", () => {
  const waiting = (signature: number, description: string): Partial<ActivityInfo> => ({
    signature,
    waitsFor: { kind: "lock", description },
    top: frame("wait", 7),
  });
  const crowd = (): Program => {
    const program = new Program();
    program.activities = [
      thread("thread-1", "MainThread"),
      task("t1", "visitor 1", waiting(1, "event")),
      task("t2", "clock", waiting(2, "sleep")),
      task("t3", "visitor 2", waiting(1, "event")),
      task("t4", "visitor 3", waiting(1, "event")),
      task("t5", "other", waiting(1, "lock")),
      task("t6", "cancelled", { ...waiting(1, "event"), state: "cancelling" }),
      task("t7", "new 1", { state: "created" }),
      task("t8", "new 2", { state: "created" }),
    ];
    for (const { id } of program.activities) program.stacks.set(id, { frames: [frame("wait", 7)] });
    return program;
  };

  test("are one row on request, which opens to its members", async () => {
    const tree = stopped({ Shop: crowd() }, { arrangement: "stacks" });
    const place = "wait shop.py:7";
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 8 tasks
          > Thread Stack
          > 3 × wait | shop.py:7 · event · visitor 1 …
          > clock | sleep · ${place}
          > other | lock · ${place}
          > cancelled | cancelling · event · ${place}
          > new 1 | created
          > new 2 | created
      `),
    );
    const group = await find(tree, "3 × wait");
    const members = await tree.outline.children(group);
    assert.deepEqual(
      members.map((row) => labelOf(row).label),
      ["visitor 1", "visitor 2", "visitor 3"],
    );
    assert.match((await textOf([group], tree.outline)).text, /visitor 3 .*\n {4}wait /);
    tree.options = { ...tree.options, arrangement: "tree" };
    const separate = await find(tree, "visitor 2");
    assert.equal(separate.id, members[1]?.id);
    tree.options = { ...tree.options, arrangement: "stacks", filter: "visitor 3" };
    assert.match(await draw(tree), /1 task\n.*\n {2}> visitor 3 \| event · wait/);
  });

  test("of ten thousand tasks are known when all are loaded", async () => {
    const program = crowd();
    for (let n = 4; n <= 10_000; n++) program.activities.push(task(`v${n}`, `visitor ${n}`, waiting(1, "event")));
    const tree = stopped({ Shop: program }, { arrangement: "stacks", pageSize: 10 });
    const [capture] = tree.store.captures;
    await capture?.loadAll();
    assert.match(await draw(tree), / {2}> 10,000 × wait \|[^]*new 2 \| created$/);
    const rows = await tree.outline.children((await tree.outline.children(undefined))[0]);
    const [, row] = rows;
    assert.ok(row?.kind === "group");
    const rest = (await tree.outline.children(row)).pop();
    assert.ok(rest?.kind === "more");
    assert.equal(labelOf(rest).description, "9,990 not shown");
    await rest.show();
    assert.equal((await tree.outline.children(row)).length, 21);
  });

  test("in a task group are one row, too", async () => {
    const program = crowd();
    const children = program.activities
      .slice(1)
      .map(({ id }) => ({ kind: "task" as const, activityId: id, object: { type: "Task", address: id } }));
    const contexts = [context("asyncio.taskgroups.TaskGroup", 6, { children })];
    program.stacks.set("t5", { frames: [frame("main", 7, { contexts })] });
    const tree = stopped({ Shop: program }, { arrangement: "stacks", pageSize: Infinity });
    const group = await find(tree, "async with TaskGroup");
    const [first] = await tree.outline.children(group);
    assert(first);
    assert.equal(labelOf(first).label, "3 × wait");
    assert.equal((await tree.outline.children(first)).length, 3);
    const { text } = await textOf([await find(tree, "other")], tree.outline);
    assert.match(text, /3 × wait .*\n {8}visitor 1 .*\n {8}visitor 2 .*\n/);
  });
});

describe("failures", () => {
  test("of the snapshot are a row, which tries again", async () => {
    const program = shop();
    const traceback = "Traceback (most recent call last):\n  ...\nImportError: no zlib\n";
    program.failures.push({ command: "evaluate", message: traceback });
    const tree = stopped({ Shop: program });
    const [row] = await tree.outline.children(undefined);
    assert.ok(row?.kind === "error");
    assert.deepEqual(labelOf(row), {
      label: "Async stacks are not available: ImportError: no zlib",
      description: "click to try again",
      spoken: "click to try again",
      tooltip: [traceback, "Click to try again."],
    });
    row.retry();
    assert.match(await draw(tree), /^v MainThread/);
  });

  test("of a stack are a row under its task", async () => {
    const program = shop();
    program.failures.push({ command: "asynctbStacks", message: "timeout: it took too long" });
    const tree = stopped({ Shop: program });
    const task1 = await find(tree, "MainThread").then(async (row) => (await tree.outline.children(row))[1]);
    const [row] = await tree.outline.children(task1);
    assert.ok(row?.kind === "error");
    assert.equal(labelOf(row).label, "This is not available: it took too long");
    row.retry();
    const [again] = await tree.outline.children(task1);
    assert.equal(again?.kind, "frame");
  });

  test("do not show when the program has gone on", async () => {
    const tree = stopped({ Shop: shop() });
    const rows = tree.outline.children(undefined);
    tree.store.get("session Shop")?.resumed(false);
    assert.deepEqual(await rows, []);
  });
});

test("nothing is shown, nor asked, before the first stop", async () => {
  const program = shop();
  const tree = newTree();
  tree.store.open("s", () => "Shop", program.send);
  assert.equal(await draw(tree), "");
  assert.deepEqual(program.sent, []);
});
