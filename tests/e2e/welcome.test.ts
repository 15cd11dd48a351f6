/** The first minutes: found by the palette, a welcome, a walkthrough, an example. The tests build on one another. */

import { after, before } from "node:test";
import { story } from "./story.ts";
import { Workbench } from "./workbench.ts";

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("welcome", { "empty.txt": "" });
});

after(async () => {
  await workbench?.close();
});

test("the palette finds it before anything is debugged, and the view says what to do", async () => {
  await workbench.page.setViewportSize({ width: 1366, height: 768 });
  await workbench.command("Async Stacks: Show View");
  await workbench.view().getByText("appears here when it stops in the debugger").waitFor();
  await workbench.screenshot("welcome");
});

test("a walkthrough shows the first steps", async () => {
  await workbench.view().getByText("First Steps").click();
  await workbench.page.getByText("Read why nothing moves").first().waitFor();
  await workbench.page
    .locator('.getting-started-media img[alt="The view Async Stacks beside the source at a stop"]')
    .waitFor();
  await workbench.screenshot("walkthrough");
});

test("the example runs, and stops by itself", async () => {
  await workbench.view().getByText("Run the Example").click();
  await workbench.row("MainThread").waitFor();
  await workbench.page.getByText("5 tasks", { exact: true }).first().waitFor();
  await workbench.screenshot("example");
  await workbench.press("Shift+F5"); // or the program outlives the workbench
  await workbench.view().getByText("appears here when it stops in the debugger").waitFor();
});
