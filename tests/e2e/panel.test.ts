/** The view "Async Tasks" in the bottom panel. The tests build on one another. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const read = (name: string): string => readFileSync(path.join(import.meta.dirname, "programs", name), "utf8");
const STANDOFF = read("standoff.py");
const CROWD = read("crowd.py");
const line = (marker: string): number => markerLine(STANDOFF, marker);
/** The longest time (ms) for which the window may not react; a busy machine alone costs some of it. */
const LONGEST_FREEZE = 2_000;

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("panel", {
    "standoff.py": STANDOFF,
    "crowd.py": CROWD,
    ".vscode/launch.json": launch({ name: "Standoff", program: "standoff.py" }, { name: "Crowd", program: "crowd.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

test("a table has all that is known of each task", async () => {
  await workbench.page.setViewportSize({ width: 1366, height: 768 });
  await workbench.openFile("standoff.py");
  await workbench.toggleBreakpoint(line("look"));
  await workbench.toggleBreakpoint(line("again"));
  await workbench.startDebugging("Standoff");
  await workbench.row("Deadlock").waitFor();
  await workbench.command("Async Stacks: Show Table of Tasks");
  const at = (name: string): string => `standoff.py:${line(name)}`;
  await workbench.seePanel(
    new RegExp(
      [
        `^MainThread \\| running \\|  \\|  \\| watch \\| ${at("look")} \\| threading \\| `,
        `Task-1 \\| suspended \\| task watch \\|  \\| main \\| standoff.py:\\d+ \\| asyncio \\| MainThread`,
        `Task-2 \\| deadlocked \\| lock \\| Task-3 \\| charge \\| ${at("charge")} \\| asyncio \\| MainThread`,
        `Task-3 \\| deadlocked \\| lock \\| Task-2 \\| refund \\| ${at("refund")} \\| .*`,
        `Task-4 \\| .* \\| lock \\| Task-3 \\| report \\| ${at("report")} \\| .*`,
        `watch \\| running \\|  \\|  \\| watch \\| ${at("look")} \\| .*$`,
      ].join("\n"),
    ),
  );
  await workbench.panel().getByText("5 tasks, 2 deadlocked").waitFor();
  await workbench.screenshot("table");
});

/** Wait until the debugger's views show the task, and the table has the keyboard again. */
async function followed(name: string): Promise<void> {
  await workbench.panel().locator('.line[aria-current="true"]').filter({ hasText: name }).waitFor();
  await workbench.panel().locator(".grid:focus").waitFor();
}

test("a click goes there with the debugger's views, and the keyboard stays", async () => {
  await workbench.panel().getByRole("gridcell", { name: "charge", exact: true }).click();
  await workbench.waitForLine("standoff.py", line("charge"));
  await followed("Task-2");
  await workbench.evaluate("account.locked(), 'charging'", "(True, 'charging')");
  await workbench.command("Async Stacks: Show Table of Tasks");
  await workbench.panel().locator('.line[aria-selected="true"]').filter({ hasText: "Task-2" }).waitFor();
  await workbench.panel().getByRole("gridcell", { name: "report", exact: true }).click();
  await workbench.waitForLine("standoff.py", line("report"));
  await followed("Task-4");
  await workbench.press("Shift+Alt+H");
  await workbench.waitForLine("standoff.py", line("refund"));
  await followed("Task-3");
  await workbench.panel().locator('.line[aria-selected="true"]').filter({ hasText: "Task-3" }).waitFor();
  await workbench.press("ArrowUp");
  await workbench.press("Enter");
  await workbench.waitForLine("standoff.py", line("charge"));
  await followed("Task-2");
});

test("it can be sorted, grouped and searched", async () => {
  const panel = workbench.panel();
  await panel.getByRole("button", { name: "Name" }).click();
  await panel.getByRole("button", { name: "Name" }).click();
  await panel.locator('[aria-sort="descending"]').waitFor();
  await workbench.seePanel(/^watch .*\nTask-4 [^]*\nMainThread .*$/);
  await panel.getByLabel("Group by").selectOption("State");
  await workbench.seePanel(/^deadlocked 2\nTask-3 .*\nTask-2 .*\nrunning 2\nwatch .*\nMainThread .*\nsuspended 2\n/);
  await panel.getByRole("row", { name: "deadlocked 2" }).click();
  await panel.locator('.line.group[aria-expanded="false"]').filter({ hasText: "deadlocked 2" }).waitFor();
  await workbench.screenshot("grouped");
  await panel.getByRole("row", { name: "deadlocked 2" }).click();
  await panel.getByRole("searchbox").fill("task-3 LOCK");
  await panel.getByText("3 of 6 found").waitFor();
  await panel.getByRole("searchbox").fill("task-3 report");
  await workbench.seePanel(/^.* 1\nTask-4 .*$/);
  await workbench.screenshot("searched");
  await panel.locator(".link").click(); // the holder is not among those that were found
  await workbench.waitForLine("standoff.py", line("refund"));
  await panel.locator('.line[aria-selected="true"]').filter({ hasText: "refund" }).waitFor();
  await followed("Task-3");
});

test("it is empty while the program runs, and the next stop marks what is new", async () => {
  await workbench.panel().getByLabel("Group by").selectOption("Nothing");
  await workbench.press("F5");
  const fresh = workbench.panel().getByRole("row").filter({ hasText: "newcomer" });
  await fresh.getByRole("img", { name: "New since the last stop" }).waitFor();
  await workbench.press("Control+Shift+F5"); // from the beginning
  await workbench.panel().getByText("5 tasks, 2 deadlocked").waitFor();
  await workbench.waitForLine("standoff.py", line("look")); // the editor has the keyboard
});

test("it can be read in all themes", async () => {
  for (const [theme, css] of [
    ["Light Modern", "vs"],
    ["Dark High Contrast", "hc-black"],
    ["Light High Contrast", "hc-light"],
  ] as const) {
    await workbench.command("Preferences: Color Theme");
    await workbench.answer(theme);
    await workbench.page.locator(`.monaco-workbench.${css}`).waitFor();
    await workbench.panel().getByText("5 tasks, 2 deadlocked").waitFor();
    await workbench.screenshot(css);
  }
  await workbench.command("Preferences: Color Theme");
  await workbench.answer("Dark Modern");
});

test("ten thousand tasks are as smooth", async () => {
  await workbench.press("Shift+F5");
  await workbench.openFile("crowd.py");
  await workbench.toggleBreakpoint(markerLine(CROWD, "stop"));
  await workbench.startDebugging("Crowd");
  const panel = workbench.panel();
  await panel.getByText("10,001 tasks").waitFor();
  await panel.getByRole("searchbox").fill("visitor 09999");
  await panel.getByText("1 of 10,002 found").waitFor();
  await panel.getByRole("searchbox").fill("");
  await workbench.seePanel(/^visitor 09999 /); // still sorted
  const freeze = await workbench.longestFreeze(async () => {
    await panel.getByRole("treegrid").focus();
    await workbench.press("End");
    await workbench.seePanel(/\nMainThread .*$/);
    await panel.getByRole("button", { name: "File" }).click();
    await panel.locator('[aria-sort="ascending"]').waitFor();
  });
  console.log(`longest freeze of the table: ${freeze.toFixed(0)} ms`);
  assert.ok(freeze < LONGEST_FREEZE, `${freeze}`);
  assert.ok((await panel.locator(".line").count()) < 100);
  await workbench.screenshot("crowd");
});

test("parallel stacks: ten thousand are two boxes", async () => {
  const panel = workbench.panel();
  await workbench.command("Async Stacks: Show Parallel Stacks");
  await panel.locator(".box").filter({ hasText: "10,000 tasks" }).waitFor();
  await workbench.screenshot("stacks-crowd");
  assert.ok((await panel.locator(".box").count()) <= 4);
  await workbench.press("Shift+F5");
  await panel.getByText("appears here when it stops").waitFor();
});

test("parallel stacks: who stands where, who waits for whom, circles, where it stopped", async () => {
  const panel = workbench.panel();
  await workbench.startDebugging("Standoff");
  const charge = panel.locator(".box.error").filter({ hasText: "charge" });
  await charge.filter({ hasText: "deadlocked: lock ← Task-3" }).waitFor();
  assert.equal(await panel.locator(".box").count(), 6);
  assert.equal(await panel.locator(".edge.holder.bad").count(), 2);
  assert.equal(await panel.locator(".edge.awaits").filter({ hasText: "awaits" }).count(), 1);
  await panel.locator(".box.here.branch").filter({ hasText: "watch" }).waitFor();
  await workbench.screenshot("stacks");
});

test("parallel stacks: a click and keys go to the source, with the debugger's views", async () => {
  const panel = workbench.panel();
  const shown = (name: string): Promise<void> => panel.locator(".box.shown").filter({ hasText: name }).waitFor();
  await panel.locator(".box .call").filter({ hasText: "refund" }).click();
  await workbench.waitForLine("standoff.py", line("refund"));
  await shown("refund");
  await panel.locator(".canvas:focus").waitFor();
  await panel.locator(".box.selected").filter({ hasText: "refund" }).waitFor();
  await workbench.screenshot("stacks-selected");
  await workbench.press("ArrowRight");
  await panel.locator(".box.selected").filter({ hasText: "charge" }).waitFor();
  await workbench.press("Enter");
  await workbench.waitForLine("standoff.py", line("charge"));
  await shown("charge");
  await panel.locator(".canvas:focus").waitFor();
  await workbench.press("+");
  await workbench.press("+");
  await panel.locator(".eye:not([hidden])").waitFor();
  await workbench.screenshot("stacks-zoomed");
  await workbench.press("0");
  await panel.locator(".eye[hidden]").waitFor({ state: "attached" });
});

test("parallel stacks: search, library frames, and the same as an outline", async () => {
  const panel = workbench.panel();
  await panel.getByLabel("Search all boxes").fill("task-2 charge");
  await panel.getByText("1 of 6 found").waitFor();
  await panel.locator(".box.hit").filter({ hasText: "charge" }).waitFor();
  assert.equal(await panel.locator(".box.miss").count(), 5);
  await workbench.screenshot("stacks-found");
  await panel.getByLabel("Search all boxes").fill("");
  await panel.getByRole("button", { name: "Library Frames" }).click();
  await panel.locator(".box .library").filter({ hasText: "Lock.acquire" }).first().waitFor();
  await panel.getByRole("button", { name: "Library Frames" }).click();
  await panel.getByRole("button", { name: "Outline" }).click();
  const tree = panel.getByRole("tree", { name: "Parallel stacks" });
  await tree.getByRole("treeitem", { name: "Task-2 deadlocked: lock ← Task-3" }).waitFor();
  await tree.getByRole("treeitem", { name: "Held by Task-3 in a circle" }).click();
  await tree.locator('[aria-selected="true"]').filter({ hasText: "Task-3 deadlocked" }).waitFor();
  await workbench.screenshot("stacks-outline");
  await workbench.press("ArrowDown");
  await workbench.press("Enter");
  await workbench.waitForLine("standoff.py", line("refund"));
  await tree.locator('[aria-current="true"]').filter({ hasText: "Task-3 deadlocked" }).waitFor();
  await panel.locator(".canvas").waitFor({ state: "hidden" });
  await panel.getByRole("button", { name: "Outline" }).click();
  await panel.locator(".box.selected").filter({ hasText: "refund" }).waitFor();
});

test("parallel stacks can be kept as a picture", async () => {
  await workbench.panel().getByRole("button", { name: "Save the whole picture as a file" }).click();
  const input = workbench.page.locator(".quick-input-widget input").first();
  await input.fill(path.join(workbench.folder, "kept.svg"));
  await input.press("Enter");
  await workbench.seeFile("kept.svg");
  const svg = readFileSync(path.join(workbench.folder, "kept.svg"), "utf8");
  assert.match(svg, /^<svg [^>]*viewBox="0 0 [\d.]+ [\d.]+"/);
  assert.match(svg, /deadlocked: lock ← Task-3/);
  assert.doesNotMatch(svg, /var\(|class=|<style/);
});

test("parallel stacks can be read in all themes", async () => {
  for (const [theme, css] of [
    ["Light Modern", "vs"],
    ["Dark High Contrast", "hc-black"],
  ] as const) {
    await workbench.command("Preferences: Color Theme");
    await workbench.answer(theme);
    await workbench.page.locator(`.monaco-workbench.${css}`).waitFor();
    await workbench.panel().locator(".box.error").first().waitFor();
    await workbench.screenshot(`stacks-${css}`);
  }
});
