import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { actionsOf } from "../src/model/actions";
import { documentOf } from "../src/model/document";
import { labelOf, liveText } from "../src/model/labels";
import { DocumentError, parseDocument } from "../src/model/saved";
import { Files } from "../src/model/source";
import { Store, type Saved, type Session } from "../src/model/store";
import { textOfSessions } from "../src/model/text";
import { frame, options, shop, thread } from "./program";
import { draw, newTree, type Tree } from "./tree";

const LINES = Array.from({ length: 60 }, (_, index) =>
  index === 21 ? "    async with first, second:" : `# ${index + 1}`,
);

async function textOfShop(): Promise<string> {
  const program = shop();
  program.activities[0] = thread("thread-1", "MainThread", { top: frame("main", 50), dapThreadId: 1 });
  const session = new Store(options()).open("s1", () => "Shop", program.send);
  session.stopped({ reason: "breakpoint", threadId: 1 });
  assert.ok(session.capture);
  const read = (): Promise<string> => Promise.resolve(LINES.join("\n"));
  return (await documentOf(session.capture, session.stop, new Files(read))).join("");
}

/** Show a text as if it stood in a file. */
function open(tree: Tree, text: string): Session {
  const snapshot = parseDocument(text);
  const saved: Saved = {
    path: "/home/me/shop.json",
    info: snapshot.info,
    send: (command, args) => Promise.resolve(structuredClone(snapshot.answer(command, args))),
    lines: (path) => {
      const lines = snapshot.answer("lines", { path }) as Record<string, string>;
      return Promise.resolve(new Map(Object.entries(lines).map(([number, line]) => [Number(number), line])));
    },
    close: () => undefined,
  };
  return tree.store.openSaved("file:/home/me/shop.json", "shop.json", saved);
}

type Json = Record<string, unknown>;

describe("a snapshot file", () => {
  test("has the tree that the program had, below a row that says what it is", async () => {
    const text = await textOfShop();
    const live = newTree();
    live.store.open("s1", () => "Shop", shop().send).stopped();
    for (const path of ["/project/shop.py", "/usr/lib/python3.12/asyncio/base_events.py"])
      live.files.set(path, LINES.join("\n"));
    const tree = newTree();
    const session = open(tree, text);
    const [row] = await tree.outline.children(undefined);
    assert.ok(row);
    const { label, description, tooltip } = labelOf(row);
    assert.equal(label, "shop.json");
    assert.match(description, /^file · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    assert.match(
      tooltip.join("\n"),
      /saved .* by asynctb 0\.1\.0\nThe program was paused \(breakpoint\) in main, \/project\/shop\.py:50\.$/,
    );
    assert.match(liveText(tree.store.sessions), /^shop\.json is a snapshot file of .*, not a program\.$/);
    assert.equal(actionsOf(row).contextValue, "session copyable saved");
    const drawn = await draw(tree, "all");
    const below = drawn
      .split("\n")
      .slice(1)
      .map((line) => line.slice(2));
    assert.deepEqual(below, (await draw(live, "all")).split("\n"));
    assert.match(drawn, /async with first /); // from the lines in the file
    // It is of the moment when it was written, and is not looked at as if it ran.
    assert.deepEqual([session.capture?.takenAt.getTime(), session.capture?.live], [session.saved?.info.time, false]);
    tree.store.showRunning();
    assert.equal(session.capture?.live, false);
    const copied = await textOfSessions([session], tree.outline);
    assert.match(
      copied.text,
      /^Async stacks of shop\.json\n.*\nFrom a snapshot file, saved by asynctb 0\.1\.0: paused/,
    );
  });

  test("can be read again from what is written of it", async () => {
    const tree = newTree();
    const session = open(tree, await textOfShop());
    assert.ok(session.capture);
    const again = (await documentOf(session.capture, session.stop, new Files(() => Promise.reject(new Error())))).join(
      "",
    );
    const other = newTree();
    open(other, again);
    const without = (text: string): string => text.replaceAll(/ first| second| code/g, "");
    assert.equal(without(await draw(other)), without(await draw(tree)));
  });

  test("of which there are several in lines of their own is the last", async () => {
    const first = JSON.stringify(JSON.parse(await textOfShop()));
    const second = first.replace('"ship-1"', '"ship-one"');
    assert.match(JSON.stringify(parseDocument(`${first}\n${second}\n`).answer("asynctbSnapshot", {})), /"ship-one"/);
  });

  test("that is damaged, foreign, newer or hostile is refused in words", async () => {
    const text = await textOfShop();
    const change = (edit: (document: Json) => void): string => {
      const document = JSON.parse(text) as Json;
      edit(document);
      return JSON.stringify(document);
    };
    const activities = (document: Json): Json[] => document["activities"] as Json[];
    const nested =
      '{"frames":[{"name":"f","location":{"source":0},"contexts":[{"isAsync":true,"phase":"active","inner":';
    const deep = nested.repeat(100) + '{"frames":[]}' + "}]}]}".repeat(100);
    const cases: [string, RegExp][] = [
      ["", /^it is empty$/],
      ["import asyncio", /^it is no snapshot of asynctb: no JSON$/],
      ["[1, 2]", /^it is no snapshot of asynctb$/],
      ["null", /^it is no snapshot of asynctb$/],
      [text.slice(0, text.length / 2), /^it is damaged or incomplete$/],
      [change((document) => (document["version"] = 2)), /newer asynctb, in version 2/],
      [change((document) => delete document["sources"]), /^it is damaged: sources should be present$/],
      [change((document) => (document["paused"] = 1)), /^it is damaged: paused should be a boolean/],
      [change((document) => (document["time"] = "yesterday")), /^it is damaged: time should be/],
      [change((document) => (document["shapes"] = [])), /a stack refers to what is not there/],
      [
        change((document) => activities(document).push(activities(document)[0] ?? {})),
        /two activities have the same id/,
      ],
      [change((document) => (activities(document)[0] = { id: 7 })), /^it is damaged: activities\[0\]/],
      [change((document) => (document["sources"] = [])), /refers to a source that is not there/],
      [change((document) => (document["shapes"] = [JSON.parse(deep) as Json])), /nested too deeply/],
      [text.replace('"shapes":[', `"shapes":[${"[".repeat(200_000)}${"]".repeat(200_000)},`), /damaged|too deeply/],
    ];
    for (const [content, expected] of cases) {
      assert.throws(
        () => parseDocument(content),
        (error) => error instanceof DocumentError && expected.test(error.message),
        String(expected),
      );
    }
  });

  test("of a later version shows what there are words for", async () => {
    const document = JSON.parse(await textOfShop()) as Json;
    const later = { kind: "livelock", certain: true, text: "They dance.", activityIds: [], steps: [] };
    document["findings"] = [later];
    document["weather"] = { location: { source: 99 } };
    for (const each of document["activities"] as Json[])
      Object.assign(each, { kind: "fiber", state: "dancing", mood: 1 });
    const tree = newTree();
    open(tree, JSON.stringify(document));
    const drawn = await draw(tree, "all");
    assert.match(drawn, /ship-1 \| /);
    assert.doesNotMatch(drawn, /undefined|livelock/);
  });
});
