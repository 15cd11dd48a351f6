/** Ten thousand tasks. The tests build on one another. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "crowd.py"), "utf8");
/** The longest time (ms) for which the window may not react; a busy machine alone costs some of it. */
const LONGEST_FREEZE = 2_000;
/** And for which extensions may not; 50 on a machine that does nothing else. */
const LONGEST_DELAY = 250;

const GROUPED = `
    MainThread | 10,001 tasks
      Thread Stack | main crowd.py:*
      main | crowd.py:* · running · Task-1
      10,000 × wait | crowd.py:* · event · visitor 00000 …
  `;

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("crowd", {
    "crowd.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Crowd", program: "crowd.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

test("a stop shows the first of ten thousand tasks and how many more there are", async () => {
  await workbench.openFile("crowd.py");
  await workbench.toggleBreakpoint(markerLine(PROGRAM, "stop"));
  await workbench.press("F5");
  await workbench.view().waitFor();
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.seeTree(GROUPED);
  await workbench.page.getByText("10,001 tasks", { exact: true }).first().waitFor();
  await workbench.screenshot("first");
  await workbench.press("Control+Shift+F5"); // once more, in a workbench that is warm
  await workbench.row(/^10,000 × wait/).waitFor({ state: "detached" });
  const freeze = await workbench.longestFreeze(() => workbench.row(/^10,000 × wait/).waitFor());
  console.log(`longest freeze at a stop: ${freeze.toFixed(0)} ms`);
  assert.ok(freeze < LONGEST_FREEZE, `${freeze}`);
});

test("the language server is told of all, and holds up nobody", async () => {
  await workbench.line("10000 tasks suspended here").first().waitFor();
  await workbench.line("‖ visitor 00000 and 9,999 more · event").waitFor();
  await workbench.screenshot("told");
  console.log(`longest delay of extensions at the first stop: ${await workbench.longestDelay()} ms`);
  // Once more: the first stop loads what every later one has.
  await workbench.command("Async Stacks: Refresh");
  await workbench.line("‖ visitor 00000 and 9,999 more · event").waitFor();
  await workbench.until(async () => (await workbench.marks()).every((text) => !text.includes("visitor")));
  const delay = await workbench.longestDelay();
  console.log(`longest delay of extensions: ${delay} ms`);
  assert.ok(delay < LONGEST_DELAY, `${delay}`);
});

test("they can be listed one by one, and more come on request", async () => {
  await workbench.arrange("Tree");
  await workbench.row("visitor 00003").waitFor();
  assert.match(await workbench.tree(), /^MainThread \| 10,001 tasks\n/);
  await workbench.view().locator(".monaco-list").focus();
  const freeze = await workbench.longestFreeze(async () => {
    await workbench.goToEnd("Show More");
    await workbench.row("Show More").click();
    await workbench.goToEnd(/visitor 0039\d/); // below the rows that came
  });
  await workbench.screenshot("more");
  console.log(`longest freeze at more: ${freeze.toFixed(0)} ms`);
  assert.ok(freeze < LONGEST_FREEZE, `${freeze}`);
});

test("all can be copied, those that are not listed, too", async () => {
  await workbench.command("Async Stacks: Copy All Stacks");
  await workbench.page.getByText("Copied 10,002 stacks.").first().waitFor();
  await workbench.screenshot("copied");
  await workbench.seeClipboard(
    /^Async stacks of Crowd\n.* process \d+\nPaused \(breakpoint\) in main, .*crowd\.py:\d+\n[^]*\n {2}visitor 09999 .*\n( {4}.*\n){6}/,
  );
});

test("identical stacks are one row again", async () => {
  await workbench.arrange("Auto");
  await workbench.seeTree(GROUPED);
});

test("a filter searches them all", async () => {
  await workbench.headerAction("Filter...");
  await workbench.answer("visitor 09999");
  await workbench.row("visitor 09999").waitFor();
  assert.match(await workbench.tree(), /^MainThread \| 1 task\n/);
  await workbench.expand("visitor 09999");
  await workbench.row("wait").waitFor();
  await workbench.screenshot("filtered");
});
