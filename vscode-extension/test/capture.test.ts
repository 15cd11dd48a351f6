import assert from "node:assert/strict";
import { test } from "node:test";
import { Capture, CaptureEnded } from "../src/model/capture";
import { Helper, RequestError } from "../src/model/helper";
import { frame, options, Program, task, thread } from "./program";

const newCapture = (program: Program): Capture => new Capture(new Helper(program.send, options()), false);

/** A promise and the function that fulfils it. */
function gate(): { promise: Promise<void>; open: () => void } {
  let open!: () => void;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

test("pages follow one another, whatever their size", async () => {
  const program = new Program();
  program.activities = [thread("thread-1", "MainThread"), ...[1, 2, 3, 4].map((n) => task(`t${n}`, `task ${n}`))];
  program.limit = 2;
  program.pageNotes = (start) => ["of the program", `of the page at ${start}`];
  const capture = newCapture(program);
  await capture.load();
  assert.deepEqual([capture.loaded, capture.total, capture.complete], [2, 5, false]);
  await capture.loadAll();
  assert.deepEqual([capture.loaded, capture.complete], [5, true]);
  assert.deepEqual(capture.notes, ["of the program", "of the page at 0", "of the page at 2", "of the page at 4"]);
  assert.deepEqual(program.asked("asynctbSnapshot"), [
    { count: 1000 },
    { snapshotId: 1, start: 2, count: 1000 },
    { snapshotId: 1, start: 4, count: 1000 },
  ]);
  assert.deepEqual(
    capture.members("thread-1").map(({ info }) => info.id),
    ["t1", "t2", "t3", "t4"],
  );
});

test("a page is asked for once by all who want it at the same time", async () => {
  const program = new Program();
  program.activities = [thread("thread-1", "MainThread")];
  const capture = newCapture(program);
  await Promise.all([capture.load(), capture.load()]);
  await capture.load();
  assert.equal(program.asked("asynctbSnapshot").length, 1);
});

test("an empty page before the end is an error, not an endless loop", async () => {
  const program = new Program();
  program.activities = [thread("thread-1", "MainThread")];
  program.limit = 0;
  await assert.rejects(newCapture(program).loadAll(), /empty page at 0 of 1/);
});

test("stacks wanted together are asked for together, and once", async () => {
  const program = new Program();
  for (const id of ["t1", "t2", "t3"]) program.stacks.set(id, { frames: [frame(id, 1)] });
  const capture = newCapture(program);
  await capture.load();
  const stacks = await Promise.all(["t1", "t2", "t3", "t1"].map((id) => capture.stack(id)));
  assert.deepEqual(
    stacks.map(({ stack }) => stack.frames[0]?.name),
    ["t1", "t2", "t3", "t1"],
  );
  assert.deepEqual(program.asked("asynctbStacks"), [{ snapshotId: 1, activityIds: ["t1", "t2", "t3"] }]);
});

test("stacks that did not fit into an answer are asked for again", async () => {
  const program = new Program();
  for (const id of ["t1", "t2", "t3"]) program.stacks.set(id, { frames: [] });
  program.limit = 2;
  const capture = newCapture(program);
  await Promise.all(["t1", "t2", "t3"].map((id) => capture.stack(id)));
  assert.deepEqual(
    program.asked("asynctbStacks").map((args) => (args as { activityIds: string[] }).activityIds),
    [["t1", "t2", "t3"], ["t3"]],
  );
});

test("an answer without any stack is an error, not an endless loop", async () => {
  const program = new Program();
  program.limit = 0;
  const capture = newCapture(program);
  await assert.rejects(capture.stack("t1"), { code: "timeout" });
});

test("a stack that failed does not take the others with it, and can be asked for again", async () => {
  const program = new Program();
  program.stacks.set("t1", { frames: [] });
  const capture = newCapture(program);
  const [good, bad] = await Promise.allSettled([capture.stack("t1"), capture.stack("t2")]);
  assert.equal(good.status, "fulfilled");
  assert.ok(bad.status === "rejected" && bad.reason instanceof RequestError);
  assert.deepEqual([bad.reason.code, bad.reason.message], ["unknownActivity", "the task has ended"]);
  program.stacks.set("t2", { frames: [] });
  await assert.rejects(capture.stack("t2"));
  capture.forgetStack("t2");
  await capture.stack("t2");
});

test("a request that failed fails all stacks that were in it", async () => {
  const program = new Program();
  program.failures.push({ command: "asynctbStacks", message: "internal: defect" });
  const capture = newCapture(program);
  const results = await Promise.allSettled([capture.stack("t1"), capture.stack("t2")]);
  for (const result of results) {
    assert.ok(result.status === "rejected" && result.reason instanceof RequestError);
    assert.equal(result.reason.message, "defect");
  }
});

test("answers that arrive after the end are not used", async () => {
  const program = new Program();
  program.activities = [thread("thread-1", "MainThread")];
  program.stacks.set("t1", { frames: [] });
  const capture = newCapture(program);
  await capture.load();

  const { promise, open } = gate();
  program.gate = promise;
  const underWay = capture.stack("t1");
  const queued = capture.stack("t2");
  capture.end();
  open();
  await assert.rejects(underWay, CaptureEnded);
  await assert.rejects(queued, CaptureEnded);
  await assert.rejects(capture.stack("t3"), CaptureEnded);

  const late = newCapture(program);
  const page = late.load();
  late.end();
  await assert.rejects(page, CaptureEnded);
  assert.deepEqual([late.loaded, late.total], [0, 0]);
});
