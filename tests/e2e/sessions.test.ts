/** Two sessions side by side. The tests build on one another. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "orders.py"), "utf8");
const line = (marker: string): number => markerLine(PROGRAM, marker);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("sessions", {
    "orders.py": PROGRAM,
    ".vscode/launch.json": launch(
      { name: "Shop", program: "orders.py", args: ["${workspaceFolder}/go Shop"] },
      { name: "Bank", program: "orders.py", args: ["${workspaceFolder}/go Bank"] },
    ),
  });
});

after(async () => {
  await workbench?.close();
});

/** Both sessions, in the order of the tree. */
let running: string;
let paused: string;

test("each session has its own rows", async () => {
  await workbench.openFile("orders.py");
  await workbench.toggleBreakpoint(line("first"));
  await workbench.toggleBreakpoint(line("second"));
  await workbench.startDebugging("All");
  await workbench.view().waitFor();
  await workbench.foldPanes("Variables", "Watch", "Breakpoints");
  await workbench.widenSideBar(460);
  for (const name of ["Shop", "Bank"]) {
    await workbench.row(name).filter({ hasText: "paused" }).waitFor();
    await workbench.row("MainThread").waitFor();
  }
  await workbench.foldPanes("Call Stack");
  const all = `
      MainThread | 5 tasks
        Thread Stack | main orders.py:${line("first")}
        main | orders.py:${line("first")} · running · Task-1
        clock | sleep · ticks orders.py:${line("tick")}
        ship-1 | lock ← Task-1 · reserve orders.py:${line("stock")}
        ship-2 | lock ← Task-1 · reserve orders.py:${line("stock")}
        ship-3 | lock ← Task-1 · reserve orders.py:${line("stock")}
      printer | event*`;
  await workbench.seeTree(`\n    * | paused${all}\n    * | paused${all}\n`);
  await workbench.screenshot("both");
});

test("a click goes to the session of its row", async () => {
  const tasks = workbench.view().locator(".monaco-list-row").filter({ hasText: /^main/ });
  await workbench.unfoldPane("Variables");
  const names = (await workbench.tree()).split("\n").flatMap((row) => /^(Shop|Bank) /.exec(row)?.[1] ?? []);
  assert.equal(names.length, 2);
  for (const index of [1, 0, 1]) {
    await tasks.nth(index).click();
    await workbench
      .view("Variables")
      .getByText(`/go ${names[index] ?? ""}'`)
      .first()
      .waitFor();
    assert.equal(await tasks.nth(index).getAttribute("aria-selected"), "true");
  }
  await workbench.screenshot("focus");
  await workbench.foldPanes("Variables");
});

test("one goes on, the other stays as it is", async () => {
  await workbench.press("F5"); // the one that the editor has the focus on
  const states = /^(Shop|Bank) \| (running|paused)$/gm;
  await workbench
    .view()
    .locator(".monaco-list-row")
    .filter({ hasText: /^(Shop|Bank)running$/ })
    .waitFor();
  const tree = await workbench.tree();
  const [shop, bank] = ["Shop", "Bank"].map(
    (name) => [...tree.matchAll(states)].find((match) => match[1] === name)?.[2],
  );
  assert.deepEqual([shop, bank].sort(), ["paused", "running"]);
  [running, paused] = shop === "running" ? ["Shop", "Bank"] : ["Bank", "Shop"];
  await workbench.screenshot("one");
});

test("the one that runs can be looked at without pausing it", async () => {
  await workbench.inlineAction(running, "Show Without Pausing");
  await workbench.row(running).filter({ hasText: "running, seen without pausing" }).waitFor();
  await workbench.row(paused).filter({ hasText: "paused" }).waitFor();
  await workbench.screenshot("without-pausing");
  await workbench.contextAction(running, "Copy Stacks of Session");
  await workbench.seeClipboard(new RegExp(`^Async stacks of ${running}\n.*\nRunning, seen without pausing\n`));
});

test("it stops again beside the other", async () => {
  writeFileSync(path.join(workbench.folder, `go ${running}`), "");
  await workbench.row(running).filter({ hasText: "paused" }).waitFor();
  const task = new RegExp(`^main.*orders\\.py:${line("second")}`); // in either session's rows
  await workbench.view().locator(".monaco-list-row").filter({ hasText: task }).waitFor();
  await workbench.row(paused).filter({ hasText: "paused" }).waitFor();
});
