/** What cannot be shown is said in the tree. The tests build on one another. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, markerLine, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "programs", "broken.py"), "utf8");

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("failures", {
    "broken.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Broken", program: "broken.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

test("a helper that cannot be installed is a row with the reason", async () => {
  await workbench.openFile("broken.py");
  await workbench.toggleBreakpoint(markerLine(PROGRAM, "broken"));
  await workbench.toggleBreakpoint(markerLine(PROGRAM, "repaired"));
  await workbench.press("F5");
  await workbench.seeTree(`
    Async stacks are not available: ModuleNotFoundError: import of zlib halted; None in sys.modules | click to try again
  `);
  await workbench.screenshot("reason");
});

test("a click on it tries again", async () => {
  await workbench.row(/zlib/).click();
  await workbench.row(/zlib/).waitFor();
});

test("the next stop tries again", async () => {
  await workbench.press("F5");
  await workbench.row("MainThread").waitFor();
  await workbench.screenshot("repaired");
});

test("a task that has failed shows where that was", async () => {
  await workbench.toggleBreakpoint(markerLine(PROGRAM, "failed"));
  await workbench.press("F5");
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.expand("look up coffee");
  await workbench.seeTree(`
    Failed | Task look up coffee has failed with KeyError: coffee; nobody was told so far (broken.py:${markerLine(PROGRAM, "raises")})
      look up coffee | failed with KeyError: coffee · look_up broken.py:${markerLine(PROGRAM, "raises")}
        Context managers unknown: a traceback does not record them
        look_up | broken.py:${markerLine(PROGRAM, "raises")}
    MainThread | 2 tasks
      Thread Stack | main broken.py:${markerLine(PROGRAM, "failed")}
      main | broken.py:${markerLine(PROGRAM, "failed")} · running · Task-1
      look up coffee | failed with KeyError: coffee · look_up broken.py:${markerLine(PROGRAM, "raises")}
  `);
  await workbench.row("look_up").click();
  await workbench.waitForLine("broken.py", markerLine(PROGRAM, "raises"));
  await workbench.seeHighlight("stock[item]");
  // The debugger's own views show what its frames had then.
  await workbench.unfoldPane("Variables");
  await workbench.view("Variables").getByText("'coffee'").waitFor();
  await workbench.screenshot("failed");
});
