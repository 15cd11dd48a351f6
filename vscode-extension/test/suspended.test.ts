import assert from "node:assert/strict";
import { test } from "node:test";
import { Capture } from "../src/model/capture";
import { Helper } from "../src/model/helper";
import { suspendedLines } from "../src/model/suspended";
import { frame, options, Program, task, thread } from "./program";

test("tasks are found by the line that they are suspended at", async () => {
  const program = new Program();
  program.activities = [
    thread("thread-1", "MainThread", { top: frame("main", 3) }),
    task("t1", "one", { top: frame("wait", 7) }),
    task("t2", "two", { top: frame("wait", 9) }),
    task("t3", "three", { top: frame("wait", 7) }),
    task("t4", "running", { state: "running", top: frame("main", 3) }),
    task("t5", "not started"),
    task("t9", "in a library", { top: frame("wait", 9), innermost: { name: "get", location: { source: 1, line: 5 } } }),
    task("t8", "failed", { state: "done", failure: "ValueError", top: frame("wait", 7) }),
    task("t6", "without a line", { top: { name: "wait", location: { source: 0 } } }),
    task("t7", "without a source", { top: { name: "wait", location: { source: 99, line: 1 } } }),
  ];
  const capture = new Capture(new Helper(program.send, options()), false);
  await capture.load();
  const found = suspendedLines([capture]);
  assert.deepEqual([...found.keys()], ["/project/shop.py"]);
  assert.deepEqual(
    found
      .get("/project/shop.py")
      ?.map(({ line, suspended, complete }) => [line, suspended.map(({ activity }) => activity.info.name), complete]),
    [
      [7, ["one", "three"], true],
      [9, ["two", "in a library"], true],
    ],
  );
  program.limit = 2;
  const partial = new Capture(capture.helper, false);
  await partial.load();
  assert.equal(suspendedLines([capture, partial]).get("/project/shop.py")?.[0]?.complete, false);
});
