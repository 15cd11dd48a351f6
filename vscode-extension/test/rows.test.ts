import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ActivityInfo } from "../src/protocol";
import { labelOf, liveText, summaryOf } from "../src/model/labels";
import { textOf } from "../src/model/text";
import { context, Program, frame, shop, task, thread } from "./program";
import { draw, find, lines, newTree, stopped } from "./tree";

describe("what a stop shows", () => {
  test("threads with their tasks, nothing loaded below them", async () => {
    const program = shop();
    assert.equal(
      await draw(stopped({ Shop: program })),
      lines(`
        v MainThread | 3 tasks
          > Thread Stack | main · shop.py:50
          > Task-1 | running · main · shop.py:50
          > ship-1 | lock · reserve · shop.py:17
          > ship-2 | created
        > printer | running · wait · shop.py:331
      `),
    );
    assert.equal(program.asked("asynctbStacks").length, 0);
  });

  test("frames innermost first, with managers, what is inside them, and folded internals", async () => {
    assert.equal(
      await draw(stopped({ Shop: shop() }), "all"),
      lines(`
        v MainThread | 3 tasks
          v Thread Stack | main · shop.py:50
              main | shop.py:50
            v 1 internal frame | run_forever
                run_forever | base_events.py:641
          v Task-1 | running · main · shop.py:50
            v main | shop.py:50
              v async with TaskGroup as group | line 43
                v ship-1 | lock · reserve · shop.py:17
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
          v ship-1 | lock · reserve · shop.py:17
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
        v printer | running · wait · shop.py:331
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
    const { text } = await textOf([await find(tree, "Task-1")], tree.outline);
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
    assert.equal(description, "item of a queue · wait · shop.py:331");
    assert.equal(spoken, "waits for item of a queue · wait · shop.py:331");
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

  test("come first, with the activities concerned inside; who holds what stands in the row", async () => {
    const tree = stopped({ Shop: stuck() });
    assert.equal(
      await draw(tree),
      lines(`
        > Deadlock | left waits for lock, held by right; right waits for lock, held by left
        > Starved? | 3 wait for semaphore
        v MainThread | 2 tasks
          > Thread Stack
          > left | lock, held by right
          > right | suspended
      `),
    );
    const concerned = await tree.outline.children(await find(tree, "Deadlock"));
    assert.deepEqual(
      concerned.map((row) => labelOf(row).label),
      ["left", "right"],
    );
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

  test("are loaded in pages, when they are wanted", async () => {
    const program = many(10_000);
    const tree = stopped({ Shop: program }, { pageSize: 600 });
    assert.match(
      await draw(tree),
      /^v MainThread \| at least 999 tasks\n[^]+task 600 \| suspended\n {4}Show More \| 9,400 not shown$/,
    );
    assert.equal(program.asked("asynctbSnapshot").length, 1);
    const more = await find(tree, "Show More");
    assert.ok(more.kind === "more");
    await more.show();
    assert.equal(program.asked("asynctbSnapshot").length, 2);
    assert.match(await draw(tree), /task 1200 \| suspended\n {4}Show More \| 8,800 not shown$/);
  });

  test("are loaded in pages, too, if they could belong to any thread", async () => {
    const program = many(10_000);
    program.activities.splice(10, 0, thread("thread-2", "other"));
    const tree = stopped({ Shop: program }, { pageSize: 600 });
    const roots = await tree.outline.children(undefined);
    const more = roots[roots.length - 1];
    assert.ok(more?.kind === "more");
    assert.equal(more.rest, 9_002);
    await more.show();
    assert.equal(program.asked("asynctbSnapshot").length, 2);
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
          > fetch | failed with ValueError: no such item · look_up · shop.py:17
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
    const tree = stopped({ Shop: crowd() }, { group: true });
    const place = "wait · shop.py:7";
    assert.equal(
      await draw(tree),
      lines(`
        v MainThread | 8 tasks
          > Thread Stack
          > 3 tasks: visitor 1 … | event · ${place}
          > clock | sleep · ${place}
          > other | lock · ${place}
          > cancelled | cancelling · event · ${place}
          > new 1 | created
          > new 2 | created
      `),
    );
    const group = await find(tree, "3 tasks: visitor 1 …");
    const members = await tree.outline.children(group);
    assert.deepEqual(
      members.map((row) => labelOf(row).label),
      ["visitor 1", "visitor 2", "visitor 3"],
    );
    assert.match((await textOf([group], tree.outline)).text, /visitor 3 .*\n {4}wait /);
    tree.options = { ...tree.options, group: false };
    const separate = await find(tree, "visitor 2");
    assert.equal(separate.id, members[1]?.id);
    tree.options = { ...tree.options, group: true, filter: "visitor 3" };
    assert.match(await draw(tree), /1 task\n.*\n {2}> visitor 3 \| event · wait/);
  });

  test("of ten thousand tasks are known when all are loaded", async () => {
    const program = crowd();
    for (let n = 4; n <= 10_000; n++) program.activities.push(task(`v${n}`, `visitor ${n}`, waiting(1, "event")));
    const tree = stopped({ Shop: program }, { group: true, pageSize: 10 });
    assert.match(
      await draw(tree),
      / {2}> at least 994 tasks: visitor 1 … \|[^]*\n {4}Show More \| 9,006 not loaded yet$/,
    );
    const rows = await tree.outline.children((await tree.outline.children(undefined))[0]);
    const [row, more] = [rows[1], rows.at(-1)];
    assert.ok(more?.kind === "more" && row?.kind === "group");
    assert.ok(labelOf(row).tooltip.includes("Not all are loaded: there may be more."));
    const rest = (await tree.outline.children(row)).pop();
    assert.ok(rest?.kind === "more");
    assert.equal(labelOf(rest).description, "984 not shown");
    await rest.show();
    assert.equal((await tree.outline.children(row)).length, 21);
    await more.show();
    assert.match(await draw(tree), / {2}> 10,000 tasks: visitor 1 … \|[^]*new 2 \| created$/);
  });

  test("in a task group are one row, too", async () => {
    const program = crowd();
    const children = program.activities
      .slice(1)
      .map(({ id }) => ({ kind: "task" as const, activityId: id, object: { type: "Task", address: id } }));
    const contexts = [context("asyncio.taskgroups.TaskGroup", 6, { children })];
    program.stacks.set("t5", { frames: [frame("main", 7, { contexts })] });
    const tree = stopped({ Shop: program }, { group: true, pageSize: Infinity });
    const group = await find(tree, "async with TaskGroup");
    const [first] = await tree.outline.children(group);
    assert(first);
    assert.equal(labelOf(first).label, "3 tasks: visitor 1 …");
    assert.equal((await tree.outline.children(first)).length, 3);
    const { text } = await textOf([await find(tree, "other")], tree.outline);
    assert.match(text, /3 tasks: visitor 1 .*\n {8}visitor 1 .*\n {8}visitor 2 .*\n/);
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
