/** The wire types against the cases that they share with `dap_extension/protocol.py`. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import ts from "typescript";
import { splitErrorMessage } from "../src/protocol";

interface Case {
  readonly note: string;
  readonly value: unknown;
}

/** `refused`: of the right type, but out of range. */
interface CaseFile {
  readonly type: string;
  readonly valid: Case[];
  readonly invalid: Case[];
  readonly refused?: Case[];
}

const FOLDER = path.resolve("..", "tests", "protocol_cases");
const files = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(path.join(FOLDER, name), "utf8")) as CaseFile);
const checks = files.flatMap(({ type, valid, invalid, refused = [] }) => [
  ...[...valid, ...refused].map(({ note, value }) => ({ type, note, value, good: true })),
  // TypeScript knows no integers.
  ...invalid.filter(({ note }) => note !== "a fraction").map(({ note, value }) => ({ type, note, value, good: false })),
]);

/** What the compiler says of each case, as the initialiser of a constant of the type. */
function diagnose(): string[][] {
  const sourceOf = new Map<string, string>();
  const protocol = path.resolve("src", "protocol");
  checks.forEach(({ type, value }, index) => {
    const text = `import type { ${type} } from ${JSON.stringify(protocol)};\nexport const value: ${type} = `;
    sourceOf.set(path.resolve(`case${index}.ts`), `${text}${JSON.stringify(value)};\n`);
  });
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  host.fileExists = (name) => sourceOf.has(path.resolve(name)) || ts.sys.fileExists(name);
  host.readFile = (name) => sourceOf.get(path.resolve(name)) ?? ts.sys.readFile(name);
  const program = ts.createProgram([...sourceOf.keys()], options, host);
  return [...sourceOf.keys()].map((name) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(name))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
  );
}

describe("protocol cases", () => {
  const diagnostics = diagnose();
  checks.forEach(({ type, note, good }, index) => {
    test(`${type}: ${note}`, () => {
      const found = diagnostics[index] ?? [];
      if (good) assert.deepEqual(found, []);
      else assert.notDeepEqual(found, []);
    });
  });
});

test("the code of an error is told from its text", () => {
  const cases: [string, ReturnType<typeof splitErrorMessage>][] = [
    ["staleSnapshot: the program went on", ["staleSnapshot", "the program went on"]],
    ["internal: a: b", ["internal", "a: b"]],
    ["Server disconnected unexpectedly", [undefined, "Server disconnected unexpectedly"]],
    ["internal", [undefined, "internal"]],
  ];
  for (const [message, expected] of cases) assert.deepEqual(splitErrorMessage(message), expected);
});
