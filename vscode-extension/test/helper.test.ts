import assert from "node:assert/strict";
import { test } from "node:test";
import { Helper, type RequestError } from "../src/model/helper";
import { BOOTSTRAP, options, Program } from "./program";

const newHelper = (program: Program): Helper => new Helper(program.send, options());

test("the helper is installed once, in no frame of the program", async () => {
  const program = new Program();
  const helper = newHelper(program);
  await Promise.all([helper.snapshot({}), helper.snapshot({}), helper.ready()]);
  await helper.ready();
  assert.deepEqual(program.asked("evaluate"), [{ expression: BOOTSTRAP, context: "repl" }]);
  assert.deepEqual(program.asked("asynctbHandshake"), [{ client: "vscode" }]);
  assert.deepEqual(
    program.sent.slice(0, 2).map(({ command }) => command),
    ["evaluate", "asynctbHandshake"],
  );
});

test("an installation that failed is tried again when the helper is next needed", async () => {
  const program = new Program();
  program.failures.push({ command: "evaluate", message: "no import possible" });
  const helper = newHelper(program);
  await assert.rejects(helper.snapshot({}), { message: "no import possible" });
  assert.equal((await helper.snapshot({})).total, 0);
});

test("a helper of another protocol version is refused", async () => {
  const program = new Program();
  program.protocolVersion = 2;
  await assert.rejects(newHelper(program).ready(), /version 2 of the protocol, this extension version 1/);
});

test("errors of the helper carry their code, others do not", async () => {
  const program = new Program();
  const helper = newHelper(program);
  program.failures.push({ command: "asynctbSnapshot", message: "staleSnapshot: the program went on" });
  await assert.rejects(helper.snapshot({}), (error: RequestError) => {
    assert.deepEqual([error.code, error.message], ["staleSnapshot", "the program went on"]);
    return true;
  });
  program.failures.push({ command: "asynctbSnapshot", message: "Server disconnected unexpectedly" });
  await assert.rejects(helper.snapshot({}), (error: RequestError) => {
    assert.deepEqual([error.code, error.message], [undefined, "Server disconnected unexpectedly"]);
    return true;
  });
});
