/** The example of the documentation; its picture there is the one made here. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { story } from "./story.ts";
import { launch, Workbench } from "./workbench.ts";

const PROGRAM = readFileSync(path.join(import.meta.dirname, "..", "..", "examples", "order_service.py"), "utf8");

let workbench: Workbench;
const test = story(() => workbench);

before(async () => {
  workbench = await Workbench.start("example", {
    "order_service.py": PROGRAM,
    ".vscode/launch.json": launch({ name: "Orders", program: "order_service.py" }),
  });
});

after(async () => {
  await workbench?.close();
});

test("breakpoint() shows what everyone is doing", async () => {
  await workbench.openFile("order_service.py");
  await workbench.page.setViewportSize({ width: 1440, height: 900 });
  await workbench.press("F5");
  await workbench.view().waitFor();
  await workbench.foldPanes("Variables", "Watch", "Call Stack", "Breakpoints");
  await workbench.widenSideBar(480);
  await workbench.expand("report");
  await workbench.expand("worker-2");
  await workbench.expand(/transaction\(/);
  await workbench.expand("worker-3");
  await workbench.seeTree(`
    MainThread | 5 tasks
      Thread Stack | charge order_service.py:*
      main | order_service.py:* · 2 unfinished items of a queue · Task-1
      report | item of a queue (empty) · sales order_service.py:*
        1 internal frame | get
        sales | order_service.py:*
        turnover | order_service.py:*
        report | order_service.py:*
      worker-1 | item of a queue (empty) · worker order_service.py:*
      worker-2 | running · charge order_service.py:*
        charge | order_service.py:*
        handle | order_service.py:*
          async with shop.stock_lock | Lock · locked, 1 waiting · line *
          async with transaction(shop.database) as database | line *
            transaction | order_service.py:*
              async with database.connections | Semaphore · value 1 · line *
        worker | order_service.py:*
      worker-3 | lock ← worker-2 · handle order_service.py:*
        2 internal frames | acquire, __aenter__
        handle | order_service.py:*
          async with shop.stock_lock | entering · Lock · locked, 1 waiting · line *
        worker | order_service.py:*
    invoice printer | item of a queue (empty) · print_invoices order_service.py:*
  `);
  await workbench.row("sales").click();
  await workbench.seeHighlight("await shop.sold.get()");
  await workbench.line("‖ report · item of a queue (empty)").waitFor();
  await workbench.line("2 tasks here: 1 running, 1 suspended").waitFor();
  await workbench.screenshot("stopped");
});
