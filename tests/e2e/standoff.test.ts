/** A program that hangs: the answer first, in a narrow side bar on a laptop. The tests build on one another. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "standoff.py"), "utf8");
const line = (marker: string): number => markerLine(PROGRAM, marker);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("standoff", {
    "standoff.py": PROGRAM,
    // The extension alone; server.test.ts has the language server.
    ".vscode/settings.json": JSON.stringify({ "asynctb.debugConsole": true, "asynctb.languageServer.enabled": false }),
    ".vscode/launch.json": launch({ name: "Standoff", program: "standoff.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

test("the first stop says what is wrong, where it can be seen", async () => {
  await workbench.page.setViewportSize({ width: 1366, height: 768 });
  await workbench.openFile("standoff.py");
  await workbench.toggleBreakpoint(line("look"));
  await workbench.toggleBreakpoint(line("again"));
  await workbench.press("F5");
  await workbench.row("Deadlock").waitFor();
  await workbench.screenshot("laptop");
  await workbench.page.getByText("5 tasks, 2 deadlocked", { exact: true }).first().waitFor();
  await workbench.page.locator('.badge[aria-label*="2 tasks stuck"], [aria-label*="2 tasks stuck"]').first().waitFor();
});

test("rows read in a narrow side bar: function and line, wait and holder, then the name", async () => {
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.widenSideBar(348); // 300 without the activity bar
  await workbench.seeTree(`
    Deadlock | Task-2 → Task-3 → Task-2
      Task-2 | lock ← Task-3 · charge standoff.py:${line("charge")}
      Task-3 | lock ← Task-2 · refund standoff.py:${line("refund")}
    MainThread | 5 tasks
      Thread Stack | watch standoff.py:${line("look")}
      main | standoff.py:* · task watch · Task-1
        Stack | main standoff.py:*
        watch | running · watch standoff.py:${line("look")}
      charge | standoff.py:${line("charge")} · lock ← Task-3 · Task-2
      refund | standoff.py:${line("refund")} · lock ← Task-2 · Task-3
      report | standoff.py:${line("report")} · lock ← Task-3 · Task-4
  `);
  await workbench.screenshot("narrow");
});

test("a step of a finding leads to its line, to its holder and to its task", async () => {
  await workbench.row("Task-2").click();
  await workbench.waitForLine("standoff.py", line("charge"));
  await workbench.inlineAction("Task-2", "Go to Holder");
  await workbench.seeFocus("refund");
  await workbench.waitForLine("standoff.py", line("refund"));
  await workbench.screenshot("holder");
  await workbench.contextAction("Task-3", "Go to Task");
  await workbench.seeFocus("refund");
});

test("keys lead from task to task", async () => {
  await workbench.row("report").click();
  await workbench.seeFocus("report");
  await workbench.press("Shift+Alt+H");
  await workbench.seeFocus("refund");
  await workbench.press("Shift+Alt+H");
  await workbench.seeFocus("charge");
  await workbench.press("Shift+Alt+A");
  await workbench.seeFocus("refund");
  await workbench.press("Shift+Alt+A"); // two wait for what it holds
  await workbench.answer("Task-4");
  await workbench.seeFocus("report");
  await workbench.press("Shift+Alt+W");
  await workbench.page.getByText("this task waits for no other one that is known").waitFor();
});

test("the tooltip has everything, with links", async () => {
  await workbench.row("MainThread").hover();
  await workbench.row("report").hover();
  const hover = workbench.page.locator(".monaco-hover:visible").filter({ hasText: "asyncio task Task-4" });
  await hover.getByText("Waits for: lock, held by Task-3").waitFor();
  await workbench.screenshot("tooltip");
  await hover.getByRole("link", { name: "Task-3" }).click();
  await workbench.seeFocus("refund");
});

test("the same can be arranged by state and by wait", async () => {
  await workbench.arrange("States");
  await workbench.row("Stuck").waitFor();
  await workbench.screenshot("states");
  await workbench.arrange("Waits");
  await workbench.row("Lock").waitFor();
  await workbench.screenshot("waits");
  await workbench.arrange("Auto");
  await workbench.row("Thread Stack").waitFor();
});

test("the lines where tasks are suspended lead to them", async () => {
  await workbench.seeMark("‖ Task-3 · lock ← Task-2");
  await workbench.page.locator('.cgmr[class*="ced-"]').first().waitFor();
  await workbench.goToLine(line("charge"));
  await workbench.command("Async Stacks: Show Tasks at This Line");
  await workbench.seeFocus("charge");
  await workbench.hoverMark("‖ Task-3");
  const hover = workbench.page.locator(".monaco-hover:visible").filter({ hasText: "1 task here: Task-3" });
  await hover.getByText("suspended: lock ← Task-2").waitFor();
  await workbench.screenshot("hover");
  await hover.getByRole("link", { name: "Task-4" }).click();
  await workbench.seeFocus("report");
});

test("why nothing moves can be copied, and assistants can ask for it", async () => {
  await workbench.command("Async Stacks: Copy Why");
  const why =
    /^Async stacks of Standoff\n[^]*\n5 tasks, 2 deadlocked\n\nDeadlock: task Task-2 waits [^]*\nTask-2 {2}\(task Task-2 waits .*\)\n(?: {2}.*\n)* {2}charge {2}\(standoff\.py:\d+\)\n[^]*\nTask-3 /;
  await workbench.seeClipboard(why);
  await workbench.command("Stand-in: Ask Why");
  await workbench.seeClipboard(new RegExp(`${why.source}[^]*\\nMainThread {2}\\(5 tasks\\)\\n`));
});

test("the Debug Console says it, too", async () => {
  await workbench.command("Debug Console: Focus on Debug Console View");
  await workbench.page.locator(".repl").getByText("Async Stacks: 5 tasks, 2 deadlocked").first().waitFor();
  await workbench.screenshot("console");
  await workbench.command("View: Hide Panel");
});

test("the next stop marks what is new", async () => {
  await workbench.press("F5");
  await workbench.row("newcomer").waitFor();
  await workbench.page.getByText("6 tasks, 2 deadlocked", { exact: true }).first().waitFor();
  await workbench.row("newcomer").and(workbench.page.locator('[aria-label*="new since the last stop"]')).waitFor();
  await workbench.screenshot("new");
});

test("it is as clear in a light theme", async () => {
  await workbench.command("Preferences: Color Theme");
  await workbench.answer("Light Modern");
  await workbench.page.locator(".monaco-workbench.vs").waitFor();
  await workbench.screenshot("light");
});
