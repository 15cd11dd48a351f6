/** From one task to another: its holder, what it waits for, who waits for it, what it belongs to. */

import * as vscode from "vscode";
import type { Marks } from "../decorations/marks";
import type { Activity, Capture } from "../model/capture";
import { CaptureEnded } from "../model/capture";
import { topOf } from "../model/labels";
import { relatives, type Direction } from "../model/relatives";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import type { Filter } from "../view/filter";
import type { TaskArguments } from "../view/links";
import type { StacksProvider } from "../view/provider";
import type { StacksView } from "../view/view";

const NOTHING: Readonly<Record<Direction, string>> = {
  holder: "nobody is known to hold what this task waits for.",
  awaited: "this task waits for no other one that is known.",
  awaiter: "nobody is known to wait for this task.",
  parent: "this task belongs to no other one.",
};

export class Travel {
  constructor(
    private readonly store: Store,
    private readonly provider: StacksProvider,
    private readonly filter: Filter,
    private readonly view: StacksView,
    /** Shows where a row stands; whether that has selected it. */
    private readonly show: (row: Row) => Promise<boolean>,
  ) {}

  /** Go in a direction from the task that a row is about. */
  async go(row: Row | undefined, direction: Direction): Promise<void> {
    const from = row && aboutWhat(row);
    if (!from) {
      say("select a task first.");
      return;
    }
    const { capture, activity } = from;
    const found = relatives(capture, activity, direction);
    const target = found.length > 1 ? await choose(found) : found[0];
    if (target) await this.#reveal(capture, target);
    else if (found.length === 0) say(NOTHING[direction]);
  }

  /** Go to the task of a step, where it belongs. */
  async toTask(row: Row | undefined): Promise<void> {
    const target = row && aboutWhat(row);
    if (target) await this.#reveal(target.capture, target.activity);
  }

  /** Go to a task that is suspended at the line of the cursor. */
  async toLine(editor: vscode.TextEditor | undefined, marks: Marks): Promise<void> {
    const found = editor ? marks.at(editor.document, editor.selection.active.line + 1) : [];
    const activities = found.map(({ activity }) => activity);
    const chosen = activities.length > 1 ? await choose(activities) : activities[0];
    const target = found.find(({ activity }) => activity === chosen);
    if (target) await this.#reveal(target.capture, target.activity);
    else if (found.length === 0) say("no task is suspended at this line.");
  }

  /** Go to one of several tasks of a session. */
  async toOneOf(sessionId: string, activityIds: readonly string[]): Promise<void> {
    const capture = this.store.get(sessionId)?.capture;
    const found = activityIds.flatMap((id) => capture?.activity(id) ?? []);
    const chosen = found.length > 1 ? await choose(found) : found[0];
    if (capture && chosen) await this.#reveal(capture, chosen);
    else if (found.length === 0) say("the program has gone on.");
  }

  async toLink({ snapshotId, activityId }: TaskArguments): Promise<void> {
    const capture = this.store.captures.find((each) => each.snapshotId === snapshotId);
    const activity = capture?.activity(activityId);
    if (capture && activity) await this.#reveal(capture, activity);
    else say("the program has gone on.");
  }

  async #reveal(capture: Capture, activity: Activity): Promise<void> {
    try {
      let row = await this.provider.outline.locate(capture, activity.info.id);
      if (!row && this.filter.text !== "") {
        this.filter.text = "";
        row = await this.provider.outline.locate(capture, activity.info.id);
      }
      if (!row) {
        say("this task is not in the tree.");
        return;
      }
      // At the end: what takes the keyboard would close a list that the next key has opened.
      if (!(await this.show(row))) await this.view.reveal(row);
    } catch (error) {
      if (!(error instanceof CaptureEnded)) throw error;
    }
  }
}

/** The task that a row is about, or is part of. */
function aboutWhat(row: Row): { capture: Capture; activity: Activity } | undefined {
  for (let above: Row | undefined = row; above; above = above.parent) {
    const activity = above.kind === "group" ? above.first : "activity" in above ? above.activity : undefined;
    if (activity && "capture" in above) return { capture: above.capture, activity };
  }
  return undefined;
}

async function choose(activities: readonly Activity[]): Promise<Activity | undefined> {
  const items = activities.map((activity) => ({
    label: activity.info.name,
    description: topOf(activity.info, activity.sources),
    activity,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Which one?" }))?.activity;
}

function say(what: string): void {
  void vscode.window.setStatusBarMessage(`Async Stacks: ${what}`, 5000);
}
