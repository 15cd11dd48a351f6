/** The language server in the editor. The tests build on one another. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "standoff.py"), "utf8");
const line = (marker: string): number => markerLine(PROGRAM, marker);

const CHARGE = "# @charge*‖ Task-2 · lock ← Task-3";
const REFUND = "# @refund*‖ Task-3 · lock ← Task-2";
/** What the extension writes by itself. */
const OWN = "‖ Task-3 · lock ← Task-2";

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("server", {
    "standoff.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Standoff", program: "standoff.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

/** Change the settings of the folder. */
function set(settings: Readonly<Record<string, unknown>>): void {
  writeFileSync(path.join(workbench.folder, ".vscode", "settings.json"), JSON.stringify(settings));
}

/** The processes of the server in our workbench. */
function servers(): number[] {
  const found = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  const home = path.dirname(workbench.folder);
  return found
    .split("\n")
    .filter((each) => each.includes(home) && /-I -S \S*run\.py/.test(each))
    .map((each) => Number.parseInt(each, 10));
}

/** End the server, as a crash would, and wait for the next one, if there is one. */
async function crash(): Promise<void> {
  const [server] = servers();
  assert.ok(server !== undefined);
  process.kill(server, "SIGKILL");
  await workbench.until(() => !servers().includes(server));
}

async function seeNoOwnMark(): Promise<void> {
  await workbench.until(async () => !(await workbench.marks()).some((text) => text.includes("‖")));
}

test("at a stop, lines say who is there, functions how many, and nothing is said twice", async () => {
  await workbench.openFile("standoff.py");
  await workbench.toggleBreakpoint(line("look"));
  await workbench.toggleBreakpoint(line("again"));
  await workbench.press("F5");
  await workbench.row("Deadlock").waitFor();
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.goToLine(line("refund"));
  await workbench.line(CHARGE).waitFor();
  await workbench.line(REFUND).waitFor();
  await workbench.line("1 task suspended here, deadlocked").first().waitFor();
  await seeNoOwnMark();
  await workbench.page.locator('.cgmr[class*="ced-"]').first().waitFor(); // the margin is the extension's
  assert.equal(servers().length, 1);
  await workbench.screenshot("stopped");
});

test("findings are among the problems", async () => {
  await workbench.command("Problems: Focus on Problems View");
  await workbench.page
    .locator(".markers-panel")
    .getByText(/Deadlock: task Task-2 waits for lock/)
    .first()
    .waitFor();
  await workbench.screenshot("problems");
  await workbench.command("View: Hide Panel");
});

test("the hover has links to tasks and holders", async () => {
  await workbench.goToLine(line("refund"));
  await workbench.hoverEnd(REFUND);
  const hover = workbench.page.locator(".monaco-hover:visible").filter({ hasText: "1 task here: Task-3" });
  await hover.getByText("suspended: lock ← Task-2").waitFor();
  await hover.getByText("Task Task-3 waits for lock, held by Task-2 since standoff.py:").waitFor();
  assert.equal(await hover.getByText("1 task here").count(), 1);
  await workbench.screenshot("hover");
  await hover.getByRole("link", { name: "Task-4" }).click();
  await workbench.seeFocus("report");
});

test("a code lens leads to the tasks of its function", async () => {
  await workbench.goToLine(line("charge"));
  await workbench.page
    .locator(".codelens-decoration a")
    .filter({ hasText: "1 task suspended here, deadlocked" })
    .first()
    .click();
  await workbench.seeFocus("charge");
  await workbench.screenshot("lens");
});

test("what is switched off is gone, and the extension's own marks are back", async () => {
  set({ "asynctb.languageServer.hints": false, "asynctb.languageServer.lenses": false });
  await workbench.seeMark(OWN);
  await workbench.line(REFUND).waitFor({ state: "detached" });
  await workbench.page.locator(".codelens-decoration").first().waitFor({ state: "detached" });
  await workbench.screenshot("off");
  set({});
  await workbench.line(REFUND).waitFor();
  await workbench.line("1 task suspended here, deadlocked").first().waitFor();
  await seeNoOwnMark();
});

test("a server that crashes comes back, and takes nothing with it", async () => {
  await crash();
  await workbench.until(() => servers().length === 1);
  await workbench.line(REFUND).waitFor();
  await seeNoOwnMark();
});

test("one that crashes again and again stays away, and the extension says it by itself", async () => {
  await crash();
  await workbench.until(() => servers().length === 1);
  await workbench.line(REFUND).waitFor();
  await crash();
  await workbench.seeMark(OWN);
  await workbench.row("report").click();
  await workbench.seeFocus("report");
  assert.deepEqual(servers(), []);
  await workbench.screenshot("crashed");
});

test("the next stop is as always, and the server can be started again", async () => {
  await workbench.press("F5");
  await workbench.row("newcomer").waitFor();
  await workbench.waitForLine("standoff.py", line("again"));
  await workbench.seeMark(OWN);
  await workbench.command("Async Stacks: Restart Language Server");
  await workbench.goToLine(line("refund"));
  await workbench.line(REFUND).waitFor();
  await seeNoOwnMark();
});

test("a wrong setting is said, and another Python is used", async () => {
  set({ "asynctb.languageServer.python": "/no/such/python" });
  await workbench.page
    .locator(".notification-list-item")
    .getByText("The language server of Async Stacks runs with python3, because: /no/such/python")
    .first()
    .waitFor();
  await workbench.screenshot("refused");
});

test("when the program goes on, all of it is gone", async () => {
  await workbench.press("Shift+F5");
  await workbench.line("‖").first().waitFor({ state: "detached" });
  await workbench.page.locator(".codelens-decoration").first().waitFor({ state: "detached" });
});
