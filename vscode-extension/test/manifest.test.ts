import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { actionsOf } from "../src/model/actions";
import { scopeOf } from "../src/model/scope";
import { Program, shop } from "./program";
import { draw, stopped } from "./tree";

interface MenuEntry {
  readonly command: string;
  readonly when: string;
  readonly group: string;
}

interface Manifest {
  readonly contributes: {
    readonly commands: { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, MenuEntry[]>>;
  };
}

const { contributes } = JSON.parse(readFileSync(path.resolve("package.json"), "utf8")) as Manifest;
const CONTEXT = contributes.menus["view/item/context"] ?? [];

/** Titles in the menu of a row with such a context value, or of its buttons. */
function menu(contextValue: string, kind: "menu" | "buttons", view = "asynctb.stacks"): string[] {
  return CONTEXT.filter(({ when, group }) => {
    const word = /viewItem =~ \/(.*)\//.exec(when)?.[1] ?? "";
    const isButton = group.startsWith("inline");
    return when.includes(`view == ${view}`) && new RegExp(word).test(contextValue) && isButton === (kind === "buttons");
  }).map(({ command }) => contributes.commands.find((candidate) => candidate.command === command)?.title ?? command);
}

describe("menus", () => {
  test("what buttons of rows do can be done with the keyboard, too", () => {
    assert.deepEqual(menu("stack source holder", "buttons"), ["Go to Holder"]);
    assert.deepEqual(menu("stack source holder awaiter", "menu"), [
      "Copy Stack",
      "Go to Source",
      "Go to Holder",
      "Go to Awaiter",
    ]);
  });

  test("a setting is changed where it is set", () => {
    assert.equal(scopeOf(undefined), "user");
    assert.equal(scopeOf({ workspaceValue: false }), "workspace");
    assert.equal(scopeOf({ workspaceValue: false, workspaceFolderValue: true }), "folder");
  });

  test("a filter can be edited without clearing it first", () => {
    const title = contributes.menus["view/title"] ?? [];
    const whenFiltered = title.filter(({ when }) => when.endsWith("&& asynctb.filtered")).map(({ command }) => command);
    assert.deepEqual(whenFiltered, ["asynctb.editFilter", "asynctb.clearFilter"]);
  });

  test("a session that runs beside a paused one can be looked at", async () => {
    const tree = stopped({ Shop: shop() });
    const idle = tree.store.open("session Idle", () => "Idle", shop().send);
    const rows = await tree.outline.children(undefined);
    const [shopValue = "", idleValue = ""] = rows.map((row) => actionsOf(row).contextValue);
    assert.deepEqual(menu(shopValue, "menu"), ["Copy Stacks of Session", "Save Snapshot..."]);
    assert.deepEqual(menu(shopValue, "buttons"), []);
    assert.deepEqual(menu(idleValue, "menu"), ["Show Without Pausing"]);
    assert.deepEqual(menu(idleValue, "buttons"), ["Show Without Pausing"]);
    const paused = tree.store.get("session Shop")?.capture;
    tree.store.showRunning(idle);
    assert.match(await draw(tree), /\nv Idle \| running, seen without pausing\n {2}v MainThread/);
    assert.equal(tree.store.get("session Shop")?.capture, paused);
    const [, seen] = await tree.outline.children(undefined);
    assert(seen);
    assert.deepEqual(menu(actionsOf(seen).contextValue, "menu"), [
      "Copy Stacks of Session",
      "Show Without Pausing",
      "Save Snapshot...",
    ]);
    tree.store.open("session Third", () => "Third", new Program().send);
    tree.store.showRunning();
    assert.equal(tree.store.get("session Shop")?.capture, paused);
    assert.equal(tree.store.get("session Third")?.capture?.live, true);
  });
});
