/** Snapshots: saved, compared, and opened again, also from elsewhere. The tests build on one another. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "standoff.py"), "utf8");
const line = (marker: string): number => markerLine(PROGRAM, marker);

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("snapshots", {
    "standoff.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Standoff", program: "standoff.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

const file = (name: string): string => path.join(workbench.folder, name);

async function openSnapshot(name: string): Promise<void> {
  await workbench.command("Async Stacks: Open Snapshot...");
  await workbench.answerFile(file(name));
}

test("a paused program is saved", async () => {
  await workbench.openFile("standoff.py");
  await workbench.toggleBreakpoint(line("look"));
  await workbench.toggleBreakpoint(line("again"));
  await workbench.press("F5");
  await workbench.row("Deadlock").waitFor();
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.widenSideBar(460);
  await workbench.command("Async Stacks: Save Snapshot...");
  await workbench.answerFile(file("hung.json"));
  await workbench.seeFile("hung.json");
  const saved = JSON.parse(readFileSync(file("hung.json"), "utf8")) as { format: string; activities: object[] };
  assert.equal(saved.format, "asynctb snapshot");
  assert.equal(saved.activities.length, 6);
  assert.equal(statSync(file("hung.json")).mode & 0o777, 0o600);
});

test("the next stop can be compared with the last one", async () => {
  await workbench.press("F5");
  await workbench.row("newcomer").waitFor();
  await workbench.waitForLine("standoff.py", line("again"));
  await workbench.command("Async Stacks: Compare with Last Stop");
  await workbench.line("after the stop before: 1 new, 1 moved, 4 where they were").waitFor();
  await workbench.line("= Deadlock: task Task-2 waits for lock").waitFor();
  await workbench.line("+ task newcomer").waitFor();
  await workbench.line("~ task watch").waitFor();
  await workbench.screenshot("compared");
  await workbench.command("View: Close Editor");
  await workbench.press("Shift+F5");
  await workbench.view().waitFor({ state: "detached" });
});

const TREE = `
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
      report | standoff.py:${line("report")} · lock ← Task-3 · Task-4`;

test("a snapshot shows what the program showed, and says that it is a file", async () => {
  await openSnapshot("hung.json");
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.seeTree(`
  hung.json | file · * UTC${TREE}
  `);
  await workbench
    .view()
    .getByText(/^hung\.json is a snapshot file of .* UTC, not a program\.$/)
    .waitFor();
  await workbench.row("charge").click();
  await workbench.waitForLine("standoff.py", line("charge"));
  await workbench.line("# @charge*‖ Task-2 · lock ← Task-3").waitFor(); // by the language server
  await workbench.line("1 task suspended here, deadlocked").last().waitFor();
  await workbench.seeHighlight("ledger");
  await workbench.expand("charge");
  await workbench
    .row("async with account")
    .or(workbench.row(/^charge$/))
    .first()
    .waitFor();
  await workbench.screenshot("opened");
});

test("where the source is another one now, the file's own lines are shown", async () => {
  writeFileSync(file("standoff.py"), `# A new line.\n${PROGRAM}`);
  await workbench.line("# A new line.").waitFor();
  await workbench.line("# @charge*‖ Task-2 · lock ← Task-3").waitFor(); // the server finds it
  await workbench.row("refund").click();
  await workbench.waitForLine("standoff (hung.json).py", line("refund"));
  await workbench.line("async with account: # @refund").first().waitFor();
  await workbench.screenshot("recorded");
});

test("so it is for a file from another machine, beside the first one", async () => {
  const text = readFileSync(file("hung.json"), "utf8").replaceAll(file("standoff.py"), "/srv/elsewhere/standoff.py");
  writeFileSync(file("far.json"), text);
  await openSnapshot("far.json");
  await workbench.row("far.json").waitFor();
  await workbench.command("Async Stacks: Close Snapshot");
  await workbench.answer("hung.json");
  await workbench.seeTree(`
  far.json | file · * UTC${TREE}
  `);
  await workbench.row("charge").click();
  await workbench.waitForLine("standoff (far.json).py", line("charge"));
  await workbench.screenshot("far");
});

test("what is no snapshot is refused, and says why", async () => {
  writeFileSync(file("broken.json"), readFileSync(file("hung.json"), "utf8").slice(0, 2000));
  await openSnapshot("broken.json");
  await workbench.page.getByText("broken.json cannot be shown: it is damaged or incomplete.").first().waitFor();
  await workbench.screenshot("refused");
});

test("a file is closed", async () => {
  await workbench.inlineAction("far.json", "Close Snapshot");
  await workbench.row("far.json").waitFor({ state: "detached" });
  await workbench.until(async () => (await workbench.page.locator(".codelens-decoration").count()) === 0);
});
