/** Tests that build on one another: after a failure the rest is skipped, and the failure is kept as a picture. */

import { test, type TestContext } from "node:test";
import type { Workbench } from "./workbench.ts";

export function story(workbench: () => Workbench): (name: string, step: () => Promise<void>) => void {
  let failed = false;
  return (name, step) => {
    void test(name, async (context: TestContext) => {
      if (failed) {
        context.skip("an earlier step failed");
        return;
      }
      failed = true;
      try {
        await step();
        failed = false;
      } finally {
        if (failed) await workbench().screenshot("failed");
      }
    });
  };
}
