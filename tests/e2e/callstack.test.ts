/** Tasks in VS Code's own views, and a pause of a program that only waits. The tests build on one another. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const read = (name: string): string => readFileSync(path.join(import.meta.dirname, "programs", name), "utf8");
const ORDERS = read("orders.py");
const IDLE = read("idle.py");
const line = (marker: string): number => markerLine(ORDERS, marker);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("callstack", {
    "orders.py": ORDERS,
    "idle.py": IDLE,
    ".vscode/launch.json": launch(
      { name: "Orders", program: "orders.py", args: ["${workspaceFolder}/go"] },
      { name: "Idle", program: "idle.py", args: ["${workspaceFolder}/ready"], justMyCode: false },
    ),
  });
});

after(async () => {
  await workbench?.close();
});

test("the Call Stack lists tasks after threads", async () => {
  await workbench.openFile("orders.py");
  await workbench.toggleBreakpoint(line("first"));
  await workbench.startDebugging("Orders");
  await workbench.view().waitFor();
  await workbench.row("MainThread").waitFor();
  await workbench.foldPanes("Watch", "Breakpoints", "Async Stacks");
  await workbench.widenSideBar(460);
  const callStack = workbench.view("Call Stack");
  await callStack.getByText("ship-1 — suspended: lock").waitFor();
  await callStack.getByText("clock — suspended: sleep").waitFor();
  await workbench.screenshot("tasks");
});

test("the frames of a task there are like any other", async () => {
  await workbench.foldPanes("Async Stacks"); // it may have opened itself just now
  const callStack = workbench.view("Call Stack");
  await callStack.getByText("ship-1 — suspended: lock").click();
  await workbench.press("ArrowRight");
  await callStack
    .locator(".monaco-list-row")
    .filter({ hasText: /^ship/ })
    .filter({ hasText: `${line("reserve")}:` })
    .click();
  await workbench.waitForLine("orders.py", line("reserve"));
  await workbench.view("Variables").getByText("'order 1'").waitFor();
  await workbench.screenshot("frame");
});

test("a program that only waits can be paused", async () => {
  await workbench.press("Shift+F5");
  await workbench.view().waitFor({ state: "detached" });
  await workbench.startDebugging("Idle");
  await workbench.view().waitFor();
  await workbench.seeFile("ready");
  await workbench.foldPanes("Variables");
  await workbench.unfoldPane("Async Stacks");
  await workbench.view().getByText("Pause", { exact: true }).click();
  await workbench.view("Call Stack").getByText("rest-2 — suspended: sleep").waitFor();
  await workbench
    .row("rest-2")
    .filter({ hasText: `sleep · rest idle.py:${markerLine(IDLE, "rest")}` })
    .waitFor();
  await workbench.screenshot("paused");
  await workbench.press("Shift+F5"); // or the program outlives the workbench
  await workbench.view().waitFor({ state: "detached" });
});
