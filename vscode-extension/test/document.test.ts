import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { CaptureEnded } from "../src/model/capture";
import { documentOf } from "../src/model/document";
import { Files } from "../src/model/source";
import { Store, type Session } from "../src/model/store";
import { frame, options, Program, shop, task, thread } from "./program";

const LINES = Array.from({ length: 60 }, (_, index) => `line ${index + 1}`);
const files = (): Files =>
  new Files((name) => (name === "/project/shop.py" ? Promise.resolve(LINES.join("\n")) : Promise.reject(new Error())));

interface Written {
  readonly format: string;
  readonly time: string;
  readonly program: { readonly name?: string };
  readonly stop: { readonly reason: string; readonly frame: { readonly name: string } };
  readonly sources: { readonly path: string; readonly lines: Readonly<Record<string, string>> }[];
  readonly shapes: unknown[];
  readonly activities: {
    readonly id: string;
    readonly stack?: { readonly shape: number; readonly values: unknown[] };
    readonly stackError?: string;
  }[];
}

function stopped(program: Program): Session {
  const session = new Store(options()).open("s1", () => "Shop", program.send);
  session.stopped({ reason: "breakpoint", threadId: 1 });
  return session;
}

async function written(session: Session): Promise<{ text: string; document: Written }> {
  assert.ok(session.capture);
  const text = (await documentOf(session.capture, session.stop, files())).join("");
  return { text, document: JSON.parse(text) as Written };
}

/** How often something else must have been able to run during what takes some hundred milliseconds. */
const FEWEST_TURNS = 15;

/** A Python that can read such files, as the build has it. */
const PYTHON = process.env["ASYNCTB_PYTHON"] ?? path.resolve("..", ".venv", "bin", "python");

describe("documents", () => {
  test("have everything, each source and shape once, and the lines that occur", async () => {
    const program = shop();
    program.activities[0] = thread("thread-1", "MainThread", { top: frame("main", 50), dapThreadId: 1 });
    program.activities.push(task("t9", "ship-9", { top: frame("reserve", 17) }));
    const stack = program.stacks.get("t2");
    assert.ok(stack);
    program.stacks.set("t9", stack);
    program.stacks.set("thread-1", { frames: [frame("main", 50, { frameId: 77 }), frame("<module>", 60)] });
    program.stacks.delete("t3");
    const { document } = await written(stopped(program));
    assert.equal(document.format, "asynctb snapshot");
    assert.match(document.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    assert.deepEqual(document.stop.reason, "breakpoint");
    assert.equal(document.stop.frame.name, "main");
    assert.equal(document.program.name, "shop.py");
    assert.deepEqual(
      document.sources.map((source) => source.path),
      ["/project/shop.py", "/usr/lib/python3.12/asyncio/base_events.py"],
    );
    assert.equal(document.sources[0]?.lines["17"], "line 17");
    assert.deepEqual(document.sources[1]?.lines, {});
    const byId = new Map(document.activities.map((each) => [each.id, each]));
    assert.equal(byId.get("t2")?.stack?.shape, byId.get("t9")?.stack?.shape);
    assert.equal(byId.get("t3")?.stackError, "the task has ended");
    assert.equal(new Set(document.shapes.map((shape) => JSON.stringify(shape))).size, document.shapes.length);
    assert.doesNotMatch(JSON.stringify(document), /frameId|dapThreadId/);
    assert.deepEqual((program.asked("asynctbStacks")[0] as { frameIds: boolean }).frameIds, false);
  });

  test("are what the other programs take for a snapshot", { skip: !existsSync(PYTHON) }, async () => {
    const { text } = await written(stopped(shop()));
    const file = path.join(mkdtempSync(path.join(tmpdir(), "asynctb-test-")), "shop.json");
    writeFileSync(file, text);
    const code = "import sys; from dap_extension.snapshot_files.reading import read_document as r; r(sys.argv[1])";
    execFileSync(PYTHON, ["-c", code, file], { cwd: path.resolve(".."), stdio: "pipe" });
  });

  test("are of one stop: a program that goes on ends them", async () => {
    const program = shop();
    const session = stopped(program);
    const wanted = written(session);
    session.resumed(false);
    await assert.rejects(wanted, CaptureEnded);
  });

  test("of ten thousand tasks hold nobody up", async () => {
    const program = new Program();
    program.activities = [thread("thread-1", "MainThread")];
    for (let index = 0; index < 10_000; index++) {
      const id = `t${index}`;
      program.activities.push(task(id, id, { top: frame("reserve", 17) }));
      program.stacks.set(id, { frames: [frame("reserve", 17), frame("ship", 25)] });
    }
    const session = stopped(program);
    // How often something else could run meanwhile.
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (turns > 0) setTimeout(turn, 0);
    };
    turn();
    const { text } = await written(session);
    const seen = turns;
    turns = -Infinity;
    assert.equal((text.match(/"stack":/g) ?? []).length, 10_000);
    assert.ok(seen > FEWEST_TURNS, `${seen}`);
  });
});
