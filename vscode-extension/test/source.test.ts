import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withBlock, withItem } from "../src/model/source";

const LINES = `
    async with shop.lock:  # held
    with suppress(KeyError, ValueError) as a, open("a:),#b", 'r') as \\
            file:
    with (
        connection(f"{x}", {1: 2}) as link,  # one (of two
        stack,
    ):
    with (first), (second):
    with lock[1:2], f(lambda: 1): pass
    with open("never ends
    without = 1
    with (
        connection("ü") as link): pass
    with """a
    b""": pass
`.split("\n");

describe("the text of a with item", () => {
  /** In the line with the text, at its column unless that is unknown. */
  const item = (text: string, ordinal = 0, hasColumn = true): string | undefined => {
    const line = LINES.findIndex((candidate) => candidate.includes(text));
    const column = (LINES[line] ?? "").indexOf(text) + 1;
    return withItem(LINES, { source: 0, line: line + 1, ...(hasColumn && { column }) }, ordinal);
  };

  test("is found by the statement", () => {
    assert.equal(item("async with shop"), "shop.lock");
    assert.equal(item("async with shop", 0, false), "shop.lock");
    assert.equal(item("async with shop", 1), undefined);
    assert.equal(item("with suppress"), "suppress(KeyError, ValueError) as a");
    assert.equal(item("with suppress", 1), `open("a:),#b", 'r') as file`);
    assert.equal(item("with ("), `connection(f"{x}", {1: 2}) as link`);
    assert.equal(item("with (", 1), "stack");
    assert.equal(item("with (first)", 0), "(first)");
    assert.equal(item("with (first)", 1), "(second)");
    assert.equal(item("with lock"), "lock[1:2]");
    assert.equal(item("with lock", 1), "f(lambda: 1)");
    assert.equal(item('with """a'), '"""a b"""');
  });

  test("is found by its own place", () => {
    assert.equal(item("shop.lock"), "shop.lock");
    assert.equal(item("stack,"), "stack");
    assert.equal(item('connection(f"'), `connection(f"{x}", {1: 2}) as link`);
    assert.equal(item('connection("ü'), 'connection("ü") as link');
    assert.equal(item("second)"), "second");
  });

  test("is unknown if there is none", () => {
    assert.equal(item("without", 0, false), undefined);
    assert.equal(item("stack,", 0, false), undefined);
    assert.equal(item("with open"), undefined);
    assert.equal(withItem(LINES, { source: 0, line: 99 }, 0), undefined);
    assert.equal(withItem(LINES, { source: 0 }, 0), undefined);
  });
});

describe("the block of a with statement", () => {
  const text = `
def f():
    with (
        first,
        second,
    ):
        with third:
            if x:
                y  # stands here

# a comment
            z = """
text
"""
        end
    after
`.split("\n");
  const block = (line: number, inside: number): unknown => withBlock(text, { source: 0, line }, inside);

  test("ends before what is not inside", () => {
    assert.deepEqual(block(3, 9), { first: 2, last: 11, indent: 4 });
    assert.deepEqual(block(5, 9), { first: 2, last: 11, indent: 4 });
    assert.deepEqual(block(7, 9), { first: 6, last: 11, indent: 8 });
  });

  test("has the line that is known to be inside, whatever it looks like", () => {
    assert.deepEqual(block(7, 14), { first: 6, last: 13, indent: 8 });
    assert.deepEqual(block(3, 15), { first: 2, last: 14, indent: 4 });
  });

  test("is unknown if there is no statement", () => {
    assert.equal(block(2, 9), undefined);
    assert.equal(block(99, 99), undefined);
    assert.equal(withBlock(text, { source: 0 }, 1), undefined);
  });
});
