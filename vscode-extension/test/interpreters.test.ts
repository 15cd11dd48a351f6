import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, probe, refusal, type Candidate } from "../src/model/interpreters";

const candidate = (origin: string, ...command: string[]): Candidate => ({ origin, command });

function sources(...lists: Candidate[][]): { asked: number[]; list: (() => Promise<Candidate[]>)[] } {
  const asked: number[] = [];
  const list = lists.map((found, index) => () => {
    asked.push(index);
    return Promise.resolve(found);
  });
  return { asked, list };
}

const VERSIONS: Readonly<Record<string, string>> = { old: "3.9", oldest: "3.10", new: "3.15", two: "2.7", four: "4.0" };

const version = ([name = ""]: readonly string[]): Promise<string> =>
  name in VERSIONS ? Promise.resolve(VERSIONS[name] ?? "") : Promise.reject(new Error(`spawn ${name} ENOENT\nmore`));

test("the first one that is new enough runs the server, and later ones are not asked for", async () => {
  const { asked, list } = sources([], [candidate("setting", "gone")], [candidate("folder", "oldest")], []);
  const choice = await choose(list, version);
  assert.deepEqual(choice.chosen?.command, ["oldest"]);
  assert.deepEqual(choice.refused, [
    { candidate: candidate("setting", "gone"), reason: "cannot be run: spawn gone ENOENT" },
  ]);
  assert.deepEqual(asked, [0, 1, 2]);
  assert.equal(
    refusal(choice),
    "The language server of Async Stacks runs with oldest, because: gone (setting) cannot be run: spawn gone ENOENT.",
  );
});

test("without one it is said what was tried, and that the rest works", async () => {
  const { list } = sources([candidate("setting", "old")], [candidate("path", "two"), candidate("path", "four")]);
  const choice = await choose(list, version);
  assert.equal(choice.chosen, undefined);
  assert.equal(
    refusal(choice),
    "Code lenses, hints and hovers of Async Stacks need a Python 3.10 or later. old (setting) is Python 3.9; " +
      "two (path) is Python 2.7; four (path) is Python 4.0. Everything else works without.",
  );
  assert.equal(
    refusal(await choose([], version)),
    "Code lenses, hints and hovers of Async Stacks need a Python 3.10 or later. Everything else works without.",
  );
});

test("what is no interpreter is refused", async () => {
  await assert.rejects(probe(["/no/such/python"]));
  const { list } = sources([candidate("setting", process.execPath)]);
  assert.equal((await choose(list, probe)).chosen, undefined);
});
