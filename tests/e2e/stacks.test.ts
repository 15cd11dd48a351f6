/** The main story: stop, look, click, go on, stop again. The tests build on one another. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "orders.py"), "utf8");
const line = (marker: string): number => markerLine(PROGRAM, marker);

const tasks = (stop: string): string => `
  MainThread | 5 tasks
    Thread Stack | main orders.py:${line(stop)}
    main | orders.py:${line(stop)} · running · Task-1
    clock | sleep · ticks orders.py:${line("tick")}
    ship-1 | lock ← Task-1 · reserve orders.py:${line("stock")}
    ship-2 | lock ← Task-1 · reserve orders.py:${line("stock")}
    ship-3 | lock ← Task-1 · reserve orders.py:${line("stock")}
  printer | event*
`;
/** `ship-1`, opened. */
const SHIP = `
      2 internal frames | acquire, __aenter__
      reserve | orders.py:${line("stock")}
        async with stock | entering · Lock · locked, 3 waiting · line ${line("stock")}
      ship | orders.py:${line("reserve")}
        async with connection(order) as link | line ${line("connection")}
          connection | orders.py:${line("yield")}
            with contextlib.suppress(KeyError) | line ${line("yield") - 1}
        async with contextlib.AsyncExitStack() as stack | 2 entries · line ${line("connection")}
          async callback sleep()
          suppress(ValueError)`;
const withShip = (stop: string): string => tasks(stop).replace("    ship-2", `${SHIP.slice(1)}\n    ship-2`);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("stacks", {
    "orders.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Orders", program: "orders.py", args: ["${workspaceFolder}/go"] }),
  });
});

after(async () => {
  await workbench?.close();
});

test("the first stop opens the view and fills it", async () => {
  await workbench.openFile("orders.py");
  await workbench.toggleBreakpoint(line("first"));
  await workbench.toggleBreakpoint(line("second"));
  await workbench.press("F5");
  await workbench.view().waitFor();
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.widenSideBar(460);
  await workbench.seeTree(tasks("first"));
  await workbench.screenshot("stopped");
});

test("a task opens to its frames, innermost first, and their context managers", async () => {
  await workbench.expand("ship-1");
  await workbench.expand(/connection\(order\)/);
  await workbench.expand(/AsyncExitStack/);
  await workbench.seeTree(withShip("first"));
  await workbench.screenshot("expanded");
});

test("a click on a frame shows and marks the suspended await", async () => {
  await workbench.row("ship").click();
  await workbench.waitForLine("orders.py", line("reserve"));
  await workbench.seeHighlight("await reserve(order, stock)");
  await workbench.screenshot("frame");
});

test("a click on a context manager shows its item of the with statement", async () => {
  await workbench.row("with contextlib.suppress(KeyError)").click();
  await workbench.waitForLine("orders.py", line("yield") - 1);
  await workbench.row(/connection\(order\)/).click();
  await workbench.waitForLine("orders.py", line("connection"));
  await workbench.seeHighlight("connection(order)");
  await workbench.seeFocus("async with connection(order) as link");
  await workbench.waitForLine("orders.py", line("connection"));
  await workbench.screenshot("context");
});

test("the editor says who is suspended where", async () => {
  await workbench.line("‖ ship-1, ship-2, ship-3 · lock ← Task-1").first().waitFor();
});

test("the debugger's own views follow a click, for the very frame, without taking the keyboard", async () => {
  const variables = workbench.view("Variables");
  await workbench.unfoldPane("Variables");
  await workbench.row("ship").click();
  await variables.getByText("AsyncExitStack").waitFor();
  await workbench.seeFocus("ship");
  await workbench.row("reserve").click();
  await workbench.waitForLine("orders.py", line("stock"));
  await variables.getByText("AsyncExitStack").waitFor({ state: "detached" });
  await variables.getByText("asyncio.locks.Lock").waitFor();
  await workbench.seeFocus("reserve");
  await workbench.screenshot("focused");
  // A frame inside of a context manager, too.
  await workbench.row("connection").click();
  await variables.getByText("asyncio.locks.Lock").waitFor({ state: "detached" });
  await variables.getByText("'order 1'").waitFor();
  await workbench.seeFocus("connection");
  await workbench.evaluate("name.upper() + '!'", "'ORDER 1!'");
  await workbench.screenshot("evaluated");
});

test("one key leads back to where the program stopped", async () => {
  await workbench.view().locator(".monaco-list").first().focus();
  await workbench.press("Shift+Alt+B");
  await workbench.waitForLine("orders.py", line("first"));
  await workbench.view("Variables").getByText("closing").waitFor();
  await workbench.screenshot("back");
  await workbench.foldPanes("Variables");
});

test("internal frames are shown on request", async () => {
  await workbench.headerAction("Show Internal Frames");
  await workbench.row("Lock.acquire").waitFor();
  await workbench.screenshot("internal");
  await workbench.headerAction("Hide Internal Frames");
  await workbench.seeTree(withShip("first"));
});

test("a filter leaves what matches", async () => {
  await workbench.headerAction("Filter...");
  await workbench.answer("TICKS");
  await workbench.seeTree(`
    MainThread | 1 task
      Thread Stack | main orders.py:${line("first")}
      clock | sleep · ticks orders.py:${line("tick")}
  `);
  await workbench.view().getByText("1 of 7 stacks · filter: TICKS").waitFor();
  await workbench.screenshot("filtered");
  await workbench.headerAction("Edit Filter...");
  await workbench.answer("clock");
  await workbench.view().getByText("1 of 7 stacks · filter: clock").waitFor();
  await workbench.headerAction("Clear Filter");
  await workbench.seeTree(withShip("first"));
});

test("a stack can be copied as text", async () => {
  await workbench.contextAction("clock", "Copy Stack");
  await workbench.seeClipboard(
    /^clock {2}\(waits for sleep · ticks orders\.py:\d+\)\n(.*\n)* {2}ticks {2}\(orders\.py:\d+\)\n {2}clock {2}\(orders\.py:\d+\)\n/,
  );
});

test("a step brings a new picture in which the same rows are open", async () => {
  await workbench.press("F10");
  await workbench.seeTree(withShip("first").replaceAll(`:${line("first")}`, `:${line("first") + 1}`));
});

test("the tree is cleared when the program goes on", async () => {
  await workbench.row("ship").click();
  await workbench.waitForLine("orders.py", line("reserve"));
  await workbench.press("F5");
  await workbench.view().getByText("The program is running.").waitFor();
  await workbench.seeTree("");
  await workbench.seeHighlight("");
  await workbench.screenshot("running");
});

test("a running program can be looked at without pausing it", async () => {
  await workbench.view().getByText("Show Without Pausing").click();
  await workbench.row("ship-1").waitFor();
  await workbench.view().getByText("Running. This picture was taken at ").waitFor();
  assert.match(await workbench.tree(), /ship-3 \| lock ← Task-1 · reserve orders\.py:\d+/);
  await workbench.screenshot("without-pausing");
});

test("the next stop fills it again, and what was open is open", async () => {
  writeFileSync(path.join(workbench.folder, "go"), "");
  await workbench.seeTree(withShip("second"));
  await workbench.screenshot("second-stop");
});

test("the view goes with the session", async () => {
  await workbench.press("F5");
  await workbench.view().waitFor({ state: "detached" });
  await workbench.screenshot("ended");
});
