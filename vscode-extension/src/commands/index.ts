/** The commands under `asynctb.`. */

import * as vscode from "vscode";
import type { Marks } from "../decorations/marks";
import { ARRANGEMENTS } from "../model/arrange";
import { CaptureEnded } from "../model/capture";
import { DIRECTIONS } from "../model/relatives";
import type { MoreRow, Row } from "../model/row";
import type { Session, Store } from "../model/store";
import type { TasksPanel } from "../panel/panel";
import type { Feed } from "../server/feed";
import { change } from "../settings";
import type { Snapshots } from "../snapshots/commands";
import type { Filter } from "../view/filter";
import { OPEN, REVEAL, type PlaceArguments, type TaskArguments } from "../view/links";
import type { StacksProvider } from "../view/provider";
import type { StacksView } from "../view/view";
import { copyAll, copyRow, copyWhy } from "./copy";
import { runExample, type Example } from "./example";
import { back } from "./focus";
import { runUntilResumed } from "./follow";
import { openCreation, type Surroundings } from "./navigate";
import type { Show } from "./show";
import { aboutWhat, Travel } from "./travel";

/** Not for the palette: to one of the tasks that something else is about. */
export const SHOW_TASKS = "asynctb.showTasks";

export interface CommandTargets {
  readonly store: Store;
  readonly provider: StacksProvider;
  readonly filter: Filter;
  readonly view: StacksView;
  readonly marks: Marks;
  readonly feed: Feed;
  readonly surroundings: Surroundings;
  readonly showRow: Show;
  readonly snapshots: Snapshots;
  readonly panel: TasksPanel;
  readonly example: Example;
  /** The identifier of the walkthrough. */
  readonly walkthrough: string;
}

export function registerCommands({
  store,
  provider,
  filter,
  view,
  marks,
  feed,
  surroundings,
  showRow,
  snapshots,
  panel,
  example,
  walkthrough,
}: CommandTargets): vscode.Disposable {
  const refresh = (): void => {
    for (const session of store.sessions) if (session.capture && !session.saved) session.refresh();
  };
  const sessionOf = (row?: Row): Session | undefined => (row?.kind === "session" ? row.session : undefined);
  const show = (row: Row): Promise<boolean> => showRow(row, () => view.reveal(row));
  const travel = new Travel(store, provider, filter, view, show);
  const handlers: Record<string, (row: Row) => unknown> = {
    "asynctb.showView": async () => {
      // Without a session it says what to do.
      await vscode.commands.executeCommand("setContext", "asynctb.wanted", true);
      await vscode.commands.executeCommand("asynctb.stacks.focus");
    },
    "asynctb.showTable": () => panel.open("table"),
    "asynctb.showParallelStacks": () => panel.open("stacks"),
    "asynctb.showTasksHere": () => travel.toLine(vscode.window.activeTextEditor, marks),
    "asynctb.runExample": () => runExample(example),
    "asynctb.saveSnapshot": (row?: Row) => snapshots.save(sessionOf(row)),
    "asynctb.openSnapshot": (uri: unknown) => snapshots.open(uri instanceof vscode.Uri ? uri : undefined),
    "asynctb.closeSnapshot": (row?: Row) => snapshots.close(sessionOf(row)),
    "asynctb.compare": (row?: Row) => snapshots.compare(sessionOf(row)),
    "asynctb.restartServer": () => feed.restart(),
    "asynctb.openWalkthrough": () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", walkthrough, false),
    "asynctb.refresh": refresh,
    "asynctb.showRunning": (row?: Row) => {
      store.showRunning(sessionOf(row));
    },
    "asynctb.goTo": (row?: Row) => {
      const target = row ?? view.selected;
      return target && show(target);
    },
    "asynctb.back": () => back(store),
    "asynctb.runUntilResumed": (row?: Row) => {
      const target = aboutWhat(row ?? view.selected);
      return target && runUntilResumed(store, target.capture, target.activity);
    },
    "asynctb.whereCreated": async (row?: Row) => {
      const target = aboutWhat(row ?? view.selected);
      if (target && (await openCreation(target.capture, target.activity, surroundings))) return;
      const why = target
        ? "where this task was made is recorded in asyncio's debug mode only."
        : "select a task first.";
      void vscode.window.setStatusBarMessage(`Async Stacks: ${why}`, 5000);
    },
    "asynctb.goToTask": (row?: Row) => travel.toTask(row ?? view.selected),
    "asynctb.showMore": (row) => (row.kind === "more" ? showMore(row) : undefined),
    "asynctb.retry": (row) => (row.kind === "error" ? row.retry() : undefined),
    "asynctb.filter": () => askForFilter(filter),
    "asynctb.editFilter": () => askForFilter(filter),
    "asynctb.clearFilter": () => {
      filter.text = "";
    },
    "asynctb.showHiddenFrames": () => change("showHiddenFrames", true),
    "asynctb.hideHiddenFrames": () => change("showHiddenFrames", false),
    "asynctb.arrange": askForArrangement,
    "asynctb.copyStack": (row) => copyRow(row, provider.unpaged),
    "asynctb.copySession": (row) => (row.kind === "session" ? copyAll([row.session], provider.unpaged) : undefined),
    "asynctb.copyWhy": () => copyWhy(store.sessions, provider.unpaged),
    "asynctb.copyAll": () => copyAll(store.sessions, provider.unpaged),
  };
  for (const direction of DIRECTIONS) {
    const name = direction.charAt(0).toUpperCase() + direction.slice(1);
    handlers[`asynctb.goTo${name}`] = (row?: Row) => travel.go(row ?? view.selected, direction);
  }
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([name, handler]) => vscode.commands.registerCommand(name, handler)),
    vscode.commands.registerCommand(OPEN, openPlace),
    vscode.commands.registerCommand(SHOW_TASKS, (sessionId: string, ids: string[]) => travel.toOneOf(sessionId, ids)),
    vscode.commands.registerCommand(REVEAL, (target: TaskArguments) => travel.toLink(target)),
  );
}

async function openPlace({ path, line }: PlaceArguments): Promise<void> {
  const selection = new vscode.Range(line - 1, 0, line - 1, 0);
  await vscode.window.showTextDocument(vscode.Uri.file(path), { selection, preview: true });
}

async function showMore(row: MoreRow): Promise<void> {
  try {
    await row.show();
  } catch (error) {
    // If the program has gone on, the row is about to go, too.
    if (!(error instanceof CaptureEnded)) throw error;
  }
}

async function askForFilter(filter: Filter): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: "Filter Async Stacks",
    prompt:
      "Show tasks in which this text occurs: in name, state, wait, or any function, file, manager or address of their stacks",
    value: filter.text,
  });
  if (text !== undefined) filter.text = text;
}

async function askForArrangement(): Promise<void> {
  const words: Readonly<Record<(typeof ARRANGEMENTS)[number] | "auto", string>> = {
    auto: "a tree, or identical stacks together if there are more than 200",
    tree: "under the tasks and task groups that they belong to",
    stacks: "identical stacks as one row, with how many there are",
    states: "failed and stuck ones first",
    waits: "by what is waited for, with who holds it",
  };
  const items = (["auto", ...ARRANGEMENTS] as const).map((name) => ({
    label: name.charAt(0).toUpperCase() + name.slice(1),
    description: words[name],
    name,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Arrange Async Stacks" });
  if (chosen) await change("arrangement", chosen.name);
}
