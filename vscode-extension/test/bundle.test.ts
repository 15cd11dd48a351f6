import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

interface Bundling {
  readonly buildPython: () => string;
  readonly bundleServer: (target: string) => void;
}

/** One message of the language server. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
}

let folder: string;
let python: string;

before(async () => {
  const { buildPython, bundleServer } = (await import(pathToFileURL(path.resolve("bundle.mjs")).href)) as Bundling;
  python = buildPython();
  folder = mkdtempSync(path.join(tmpdir(), "asynctb-bundle-"));
  bundleServer(path.join(folder, "server"));
});

after(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the bundled server", () => {
  test("shadows nothing of the standard library, and is pure Python", () => {
    const code = "import sys, json; print(json.dumps(sorted(sys.stdlib_module_names)))";
    const standard = new Set(JSON.parse(execFileSync(python, ["-c", code], { encoding: "utf8" })) as string[]);
    const names = readdirSync(path.join(folder, "server")).map((name) => name.replace(/\.py$/, ""));
    assert.deepEqual(
      names.filter((name) => standard.has(name)),
      [],
    );
    const files = readdirSync(path.join(folder, "server"), { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      files.filter((name) => /\.(so|pyd|dll|dylib|pyc)$/.test(name)),
      [],
    );
    for (const library of ["attrs", "cattrs", "exceptiongroup", "lsprotocol", "pygls", "typing_extensions"]) {
      const licenses = files.filter((name) => name.startsWith(`${library}-`) && /LICENSE/i.test(path.basename(name)));
      assert.notEqual(licenses.length, 0, library);
    }
  });

  test("serves without anything of the interpreter's own environment", async () => {
    const source = path.join(folder, "app.py");
    writeFileSync(source, "async def wait(event):\n    await event.wait()\n");
    const uri = pathToFileURL(source).href;
    const location = { source: 0, line: 2, endLine: 2, column: 11, endColumn: 23 };
    const document = {
      format: "asynctb snapshot",
      version: 1,
      writer: "asynctb 0",
      time: "2026-11-28T10:15:58+00:00",
      program: { processId: 1 },
      python: { implementation: "CPython", version: "3.12.1", platform: "linux" },
      contexts: "full",
      paused: true,
      notes: [],
      sources: [{ name: "app.py", path: source, lines: { "2": "    await event.wait()" } }],
      shapes: [{ frames: [{ name: "wait", location }] }],
      activities: [
        {
          id: "t1",
          kind: "task",
          framework: "asyncio",
          name: "guest",
          state: "suspended",
          stack: { shape: 0, values: [] },
        },
      ],
      findings: [],
    };
    const server = spawn(python, ["-I", "-S", path.join(folder, "server", "run.py")]);
    const waiting = new Map<number, (message: Message) => void>();
    let input = Buffer.alloc(0);
    server.stdout.on("data", (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      for (;;) {
        const head = /^(?:.*\r\n)*?Content-Length: (\d+)\r\n(?:.*\r\n)*?\r\n/.exec(input.toString("latin1"));
        if (!head || input.length < head[0].length + Number(head[1])) return;
        const end = head[0].length + Number(head[1]);
        const message = JSON.parse(input.subarray(head[0].length, end).toString()) as Message;
        input = input.subarray(end);
        if (message.id !== undefined && message.method === undefined) waiting.get(message.id)?.(message);
      }
    });
    const send = (message: object): void => {
      const body = JSON.stringify({ jsonrpc: "2.0", ...message });
      server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    };
    let ids = 0;
    const request = (method: string, params: object | null): Promise<unknown> =>
      new Promise((resolve) => {
        waiting.set((ids += 1), ({ result }) => resolve(result));
        send({ id: ids, method, params });
      });
    const ended = new Promise((resolve) => server.once("exit", resolve));
    await request("initialize", { processId: null, rootUri: null, capabilities: {} });
    send({ method: "initialized", params: {} });
    const textDocument = {
      uri,
      languageId: "python",
      version: 1,
      text: "async def wait(event):\n    await event.wait()\n",
    };
    send({ method: "textDocument/didOpen", params: { textDocument } });
    send({ method: "asynctb/paused", params: { sessionId: "s", snapshot: document } });
    const range = { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } };
    const hints = (await request("textDocument/inlayHint", { textDocument: { uri }, range })) as { label: string }[];
    assert.deepEqual(
      hints.map(({ label }) => label),
      ["⏸ guest suspended"],
    );
    await request("shutdown", null);
    send({ method: "exit" });
    assert.equal(await ended, 0);
    assert.ok(existsSync(source));
  });
});
