/** One task is followed through an event loop with others. The tests build on one another. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const RELAY = readFileSync(path.join(import.meta.dirname, "programs", "relay.py"), "utf8");
const line = (marker: string): number => markerLine(RELAY, marker);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("following", {
    "relay.py": RELAY,
    ".vscode/launch.json": launch({ name: "Relay", program: "relay.py", justMyCode: false }),
  });
});

after(async () => {
  await workbench?.close();
});

test("it is known where tasks were made", async () => {
  await workbench.openFile("relay.py");
  await workbench.toggleBreakpoint(line("first"));
  await workbench.startDebugging("Relay");
  await workbench.view().waitFor();
  await workbench.row("work-2").waitFor();
  await workbench.foldPanes("Watch", "Breakpoints", "Call Stack");
  await workbench.widenSideBar(460);
  await workbench.contextAction("work-2", "Where Created");
  await workbench.waitForLine("relay.py", line("made"));
  await workbench.screenshot("created");
});

test("lines along the active blocks are drawn while a frame is selected", async () => {
  await workbench.expand("work-2");
  await workbench.row("work").click();
  await workbench
    .view("Variables")
    .locator(".monaco-list-row")
    .filter({ hasText: /^found ?= ?2/ })
    .waitFor();
  await workbench.seeBlockLines(3); // from the statement to the last line of its block
  await workbench.screenshot("block");
});

test("a filter finds what is anywhere in a stack", async () => {
  await workbench.command("Async Stacks: Filter...");
  await workbench.answer("number_of");
  await workbench.row("main").waitFor({ state: "detached" });
  await workbench.row("work-4").waitFor();
  await workbench.view().getByText("5 of 7 stacks · filter: number_of").waitFor();
  await workbench.screenshot("filtered");
  await workbench.command("Async Stacks: Clear Filter");
  await workbench.row("main").waitFor();
});

test("the program runs until a task goes on", async () => {
  await workbench.contextAction("work-1", "Run Until This Task Resumes");
  await workbench.waitForLine("relay.py", line("after"));
  await workbench
    .view("Variables")
    .locator(".monaco-list-row")
    .filter({ hasText: /^found ?= ?1/ })
    .waitFor();
  await workbench.screenshot("resumed");
});

test("a step from a task in the Call Stack is its own", async () => {
  await workbench.row("work-3").click();
  await workbench
    .view("Variables")
    .locator(".monaco-list-row")
    .filter({ hasText: /^found ?= ?3/ })
    .waitFor();
  await workbench.press("F10");
  await workbench.waitForLine("relay.py", line("after"));
  await workbench.row("work-3").filter({ hasText: "running" }).waitFor();
  await workbench.screenshot("stepped");
});

test("a breakpoint that is set now is hit in a task that has begun", async () => {
  await workbench.toggleBreakpoint(line("after"));
  await workbench.press("F5");
  await workbench.row("work-4").filter({ hasText: "running" }).waitFor();
  await workbench.waitForLine("relay.py", line("after"));
  await workbench.press("Shift+F5");
  await workbench.view().waitFor({ state: "detached" });
});
