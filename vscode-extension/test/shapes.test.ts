import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Capture } from "../src/model/capture";
import { Helper } from "../src/model/helper";
import { expandStack } from "../src/model/shapes";
import type { Stack, StacksResponse } from "../src/protocol";
import { context, frame, options, Program } from "./program";

interface Case {
  readonly note: string;
  readonly value: StacksResponse;
  /** The stack of each activity; null where there is none. */
  readonly expanded: (Stack | null)[];
}

const FILE = path.resolve("..", "tests", "protocol_cases", "stacks_response.json");

describe("shared cases of shapes", () => {
  const { valid } = JSON.parse(readFileSync(FILE, "utf8")) as { valid: Case[] };
  for (const { note, value, expanded } of valid) {
    test(note, () => {
      assert.deepEqual(
        value.stacks.map((entry) => expandStack(entry, value) ?? null),
        expanded,
      );
    });
  }
});

test("stacks of one shape keep what is their own", async () => {
  const program = new Program();
  const held = (n: number): Stack => ({
    frames: [
      frame("hold", 7, {
        frameId: n,
        contexts: [
          context("Lock", 6, {
            children: [{ kind: "task", activityId: `t${n}`, object: { type: "Task", address: `0x${n}` } }],
          }),
        ],
      }),
    ],
    leaf: { type: "Future", address: `0xf${n}` },
  });
  for (const n of [1, 2, 3]) program.stacks.set(`t${n}`, held(n));
  const helper = new Helper(program.send, options());
  const answer = await helper.stacks({ snapshotId: 1, activityIds: ["t1", "t2", "t3"] });
  assert.equal(answer.shapes.length, 1);
  const capture = new Capture(helper, false);
  const stacks = await Promise.all(["t1", "t2", "t3"].map((id) => capture.stack(id)));
  assert.deepEqual(
    stacks.map(({ stack }) => stack),
    [held(1), held(2), held(3)],
  );
});
