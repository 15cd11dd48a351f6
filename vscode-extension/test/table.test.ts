import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { arranged, found } from "../src/panel/arranging";
import { documentOf } from "../src/panel/document";
import { COLUMNS, type Column, type TaskRow } from "../src/panel/messages";
import { findByKey, tableOf } from "../src/panel/table";
import { frame, Program, shop, task, thread } from "./program";
import { stopped } from "./tree";

const NOTHING = { search: "", sort: undefined, group: undefined };

async function rowsOf(programs: Readonly<Record<string, Program>>): Promise<TaskRow[]> {
  const { store } = stopped(programs);
  for (const capture of store.captures) await capture.loadAll();
  return [...tableOf(store.sessions)].flatMap(({ rows }) => rows);
}

/** The rows as text, in some of the columns. */
function text(rows: readonly TaskRow[], ...columns: Column[]): string[] {
  return rows.map(({ cells }) => columns.map((column) => cells[COLUMNS.indexOf(column)]).join(" | "));
}

function standoff(): Program {
  const program = new Program();
  const lock = (holder: string): object => ({
    waitsFor: {
      kind: "lock",
      description: "lock",
      holders: [{ activityId: holder, permits: 1, evidence: "block" }],
    },
  });
  program.activities = [
    thread("thread-1", "MainThread", { top: frame("main", 50) }),
    task("t2", "Task-2", { top: frame("Shop.charge", 12), ...lock("t10"), parentId: "t10" }),
    task("t10", "Task-10", {
      top: frame("refund", 9),
      ...lock("t2"),
      createdAt: { name: "main", location: { source: 0, line: 44 } },
    }),
    task("t3", "Task-3", { state: "done", failure: "ValueError: no" }),
    task("t4", "Task-4", { top: frame("refund", 9), ...lock("t4") }),
  ];
  program.findings = [
    { kind: "deadlock", certain: true, text: "They wait.", activityIds: ["t2", "t10"], steps: [] },
    { kind: "starved", certain: false, text: "It waits.", activityIds: ["t2", "t4"], steps: [] },
  ];
  return program;
}

describe("rows of the table", () => {
  test("each says all about its activity", async () => {
    const rows = await rowsOf({ Shop: standoff() });
    assert.deepEqual(text(rows, ...COLUMNS), [
      "Shop | MainThread | running |  |  | main | shop.py:50 | threading |  | ",
      "Shop | Task-2 | deadlocked | lock | Task-10 | Shop.charge | shop.py:12 | asyncio | Task-10 | ",
      "Shop | Task-10 | deadlocked | lock | Task-2 | refund | shop.py:9 | asyncio | MainThread | main shop.py:44",
      "Shop | Task-3 | failed with ValueError: no |  |  |  |  | asyncio | MainThread | ",
      "Shop | Task-4 | perhaps starved | lock | itself | refund | shop.py:9 | asyncio | MainThread | ",
    ]);
    assert.deepEqual(
      rows.map(({ tone }) => tone),
      [undefined, "error", "error", "error", "warning"],
    );
    assert.deepEqual(rows[1]?.holders, [rows[2]?.key]);
  });

  test("a loop is named where a thread runs several", async () => {
    const program = shop();
    program.activities.push(task("t9", "other", { loopId: "loop-2" }));
    const rows = await rowsOf({ Shop: program });
    assert.deepEqual(text(rows.slice(-2), "name", "group"), ["printer | ", "other | MainThread · loop-2"]);
  });

  test("ten thousand come in parts, each with the paths of its rows", async () => {
    const program = new Program();
    program.activities = Array.from({ length: 10_000 }, (_, n) =>
      task(`t${n}`, `Task-${n}`, { top: frame("wait", 1) }),
    );
    const { store } = stopped({ Crowd: program });
    for (const capture of store.captures) await capture.loadAll();
    const parts = [...tableOf(store.sessions)];
    assert(parts.every(({ rows }) => rows.length <= 1000));
    assert.equal(parts.flatMap(({ rows }) => rows).length, 10_000);
    assert.deepEqual(
      parts.map(({ isFirst, isLast }) => `${isFirst} ${isLast}`),
      ["true false", ...Array.from({ length: 8 }, () => "false false"), "false true"],
    );
    for (const { rows, paths } of parts) assert.deepEqual([paths, rows[0]?.path], [["/project/shop.py"], 0]);
  });

  test("a row leads back to its activity while that is there", async () => {
    const { store } = stopped({ Shop: shop(), "Shop 2": shop() });
    for (const capture of store.captures) await capture.loadAll();
    const rows = [...tableOf(store.sessions)].flatMap((part) => part.rows);
    assert.equal(new Set(rows.map(({ key }) => key)).size, 10);
    const [, , , , , , , ship] = rows;
    const [capture, activity] = findByKey(store.sessions, ship?.key ?? "") ?? [];
    assert.equal(capture, store.captures[1]);
    assert.equal(activity?.info.name, "ship-1");
    store.sessions[1]?.resumed(false);
    assert.equal(findByKey(store.sessions, ship?.key ?? ""), undefined);
    assert.equal([...tableOf(store.sessions)].flatMap((part) => part.rows).length, 5);
  });
});

describe("arranging the table", () => {
  test("all words of a search must occur, in columns that are seen", async () => {
    const rows = await rowsOf({ Shop: standoff() });
    assert.deepEqual(text(found(rows, " LOCK refund ", ["session"]), "name"), ["Task-10", "Task-4"]);
    const [one] = await rowsOf({ Shop: shop() });
    assert(one);
    assert.equal(found([one], "asyncio", []).length, 0);
    assert.equal(found(rows, "", []).length, 5);
  });

  test("numbers in names count as numbers, and what is empty comes last either way", async () => {
    const rows = await rowsOf({ Shop: standoff() });
    const by = (column: Column, descending = false): string[] =>
      arranged(rows, { ...NOTHING, sort: { column, descending } }, new Set()).flatMap((line) =>
        line.kind === "task" ? text([line.row], "name") : [],
      );
    assert.deepEqual(by("name"), ["MainThread", "Task-2", "Task-3", "Task-4", "Task-10"]);
    assert.deepEqual(by("name", true), ["Task-10", "Task-4", "Task-3", "Task-2", "MainThread"]);
    assert.deepEqual(by("file"), ["Task-10", "Task-4", "Task-2", "MainThread", "Task-3"]);
    assert.deepEqual(by("file", true), ["MainThread", "Task-2", "Task-10", "Task-4", "Task-3"]);
  });

  test("groups: the largest first, or in the order of their column, and closed ones", async () => {
    const rows = await rowsOf({ Shop: standoff() });
    const lines = (sort: Column | undefined, ...closed: string[]): string[] =>
      arranged(
        rows,
        { ...NOTHING, group: "function", sort: sort && { column: sort, descending: false } },
        new Set(closed.map((name) => `group function ${name}`)),
      ).map((line) =>
        line.kind === "group" ? `${line.text} ${line.count}` : `  ${text([line.row], "name")[0] ?? ""}`,
      );
    assert.deepEqual(lines(undefined, "refund"), [
      "refund 2",
      "main 1",
      "  MainThread",
      "Shop.charge 1",
      "  Task-2",
      " 1",
      "  Task-3",
    ]);
    assert.deepEqual(lines("function", "main", "refund", ""), [
      "main 1",
      "refund 2",
      "Shop.charge 1",
      "  Task-2",
      " 1",
    ]);
  });
});

test("of states, those that are bad come first", async () => {
  const rows = await rowsOf({ Shop: standoff() });
  const lines = arranged(rows, { ...NOTHING, group: "state" }, new Set());
  assert.deepEqual(
    lines.flatMap((line) => (line.kind === "group" ? [line.text] : [])),
    ["deadlocked", "failed with ValueError: no", "running", "perhaps starved"],
  );
});

test("the page may load nothing but what came with the extension", () => {
  const page = documentOf({
    origin: "https://here",
    script: "https://here/a.js",
    style: "https://here/a.css",
    nonce: "n1",
  });
  assert.match(page, /content="default-src 'none'; style-src https:\/\/here; script-src 'nonce-n1'"/);
  assert.doesNotMatch(page, /unsafe|<style|\bstyle=|\bon\w+=/);
  assert.equal(page.match(/<script nonce="n1" src="https:\/\/here\/a\.js"><\/script>/g)?.length, 1);
});
