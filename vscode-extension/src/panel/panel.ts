/** The view "Async Tasks" in the bottom panel: feeds its page from the store, and does what it asks for. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { CaptureEnded, type Capture } from "../model/capture";
import { statusOf } from "../model/findings";
import { liveText } from "../model/labels";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import { documentOf } from "./document";
import type { FromPage, State, ToPage, View } from "./messages";
import { parallelStacks, type Parallel } from "./stacks";
import { findByKey, tableOf } from "./table";

export const VIEW = "asynctb.tasks";

/** How long (ms) before it is said again how far it is. */
const PROGRESS_PAUSE = 250;

/** Shows where a row stands, and then gives the keyboard back; returns whether the debugger's views have followed. */
export type Show = (row: Row, giveBack: () => Promise<void>) => Promise<boolean>;

export class TasksPanel implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #subscriptions: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  #isReady = false;
  /** What the page shows, and what it is to show when it is there. */
  #shown: View = "table";
  #wanted: View | undefined;
  #isFolded = true;
  /** What has been sent last, to find what is meant by its parts. */
  #parallel: Parallel | undefined;
  /** Counts what has been sent, so that what is overtaken stops. */
  #sending = 0;
  /** What the debugger's views have been taken to. */
  #current: { readonly capture: Capture; readonly key: string } | undefined;
  /** Why there is no picture. */
  readonly #failures = new WeakMap<Capture, string>();

  constructor(
    private readonly store: Store,
    private readonly dist: vscode.Uri,
    private readonly show: Show,
  ) {
    this.#subscriptions = vscode.Disposable.from(
      vscode.window.registerWebviewViewProvider(VIEW, this),
      store.onDidChange(() => this.#update()),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#isReady = false;
    const { webview } = view;
    webview.options = { enableScripts: true, localResourceRoots: [this.dist] };
    const address = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(this.dist, name)).toString();
    webview.onDidReceiveMessage((message: FromPage) => this.#receive(message));
    view.onDidChangeVisibility(() => {
      // A page that is hidden is gone; the next one says when it is ready.
      if (!view.visible) this.#isReady = false;
    });
    view.onDidDispose(() => {
      if (this.#view === view) this.#view = undefined;
    });
    webview.html = documentOf({
      origin: webview.cspSource,
      script: address("panel.js"),
      style: address("panel.css"),
      nonce: randomBytes(16).toString("hex"),
    });
  }

  /** Open the view at one of its two sides. */
  async open(view: View): Promise<void> {
    this.#wanted = view;
    // Without a session it says what it is for.
    await vscode.commands.executeCommand("setContext", "asynctb.wanted", true);
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    this.#showWanted();
  }

  #showWanted(): void {
    if (!this.#view || !this.#isReady || this.#wanted === undefined) return;
    this.#post(this.#view, { type: "show", view: this.#wanted });
    this.#wanted = undefined;
  }

  #receive(message: FromPage): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        this.#shown = message.view;
        this.#isFolded = message.isFolded;
        this.#showWanted();
        this.#update();
        break;
      case "goTo": {
        const { key } = message;
        const [capture, activity] = findByKey(this.store.sessions, key) ?? [];
        if (!capture || !activity) break;
        void this.#goTo({ kind: "activity", id: key, parent: undefined, capture, activity, members: 0 }, key);
        break;
      }
      case "goToFrame":
        void this.#goToFrame(message.box, message.index);
        break;
      case "save":
        void save(message.svg);
        break;
      case "showRunning":
        this.store.showRunning();
        break;
    }
  }

  async #goToFrame(box: string, index: number): Promise<void> {
    const target = this.#parallel?.targets.get(box)?.[index];
    if (!target || target.capture.ended) return;
    const { capture, activity, frame, sources } = target;
    const parent: Row = { kind: "activity", id: box, parent: undefined, capture, activity, members: 0 };
    await this.#goTo(
      { kind: "frame", id: `${box} ${index}`, parent, capture, frame, sources, contextsUnknown: undefined },
      box,
    );
  }

  async #goTo(row: Row & { readonly capture: Capture }, key: string): Promise<void> {
    const followed = await this.show(row, async () => {
      await vscode.commands.executeCommand(`${VIEW}.focus`);
    });
    if (!followed || !this.#view) return;
    this.#current = { capture: row.capture, key };
    this.#post(this.#view, { type: "followed", key });
  }

  #update(): void {
    const sending = ++this.#sending;
    const view = this.#view;
    if (!view || !this.#isReady) return;
    for (const capture of this.store.captures) {
      if (capture.ended || capture.snapshotId !== undefined || this.#failures.has(capture)) continue;
      capture.load().catch((error: unknown) => {
        if (error instanceof CaptureEnded || capture.ended) return;
        this.#failures.set(capture, error instanceof Error ? error.message : String(error));
        this.#update();
      });
    }
    this.#post(view, this.#state(""));
    if (this.#shown === "table") this.#sendTable(view, sending);
    else void this.#sendStacks(view, sending);
  }

  #sendTable(view: vscode.WebviewView, sending: number): void {
    const parts = tableOf(this.store.sessions);
    const next = (): void => {
      if (sending !== this.#sending) return;
      const part = parts.next();
      if (part.done === true) return;
      this.#post(view, part.value);
      setImmediate(next); // others have their turn in between
    };
    next();
  }

  async #sendStacks(view: vscode.WebviewView, sending: number): Promise<void> {
    let told = Date.now();
    const progress = (read: number, total: number): void => {
      if (sending !== this.#sending || Date.now() - told < PROGRESS_PAUSE) return;
      told = Date.now();
      this.#post(view, this.#state(`${read} of ${total} stacks have been read.`));
    };
    try {
      const parallel = await parallelStacks(this.store.sessions, this.#isFolded, progress);
      if (sending !== this.#sending) return;
      this.#parallel = parallel;
      this.#post(view, this.#state(parallel.message.note));
      this.#post(view, parallel.message);
    } catch (error) {
      if (!(error instanceof CaptureEnded)) throw error;
    }
  }

  #state(remark: string): State {
    const { captures, sessions, state } = this.store;
    const known = captures.filter(({ snapshotId }) => snapshotId !== undefined);
    const rest = known.reduce((sum, { total, loaded }) => sum + total - loaded, 0);
    const notes = [liveText(sessions), rest > 0 ? `${rest.toLocaleString("en-US")} more are being loaded.` : ""];
    if (captures.some(({ ended }) => ended)) notes.push("The program goes on.");
    for (const failure of captures.flatMap((capture) => this.#failures.get(capture) ?? [])) {
      notes.push(`Async tasks are not available: ${failure}`);
    }
    const current = this.#current && captures.includes(this.#current.capture) ? this.#current.key : undefined;
    notes.push(remark);
    return {
      type: "state",
      state: state === "paused" ? "shown" : (state ?? "none"),
      summary: known.length > 0 ? statusOf(known) : "",
      note: notes.filter((text) => text !== "").join(" "),
      severalSessions: captures.length > 1,
      ...(current !== undefined && { current }),
    };
  }

  #post(view: vscode.WebviewView, message: ToPage): void {
    void view.webview.postMessage(message);
  }
}

/** Ask where to, and write it. */
async function save(svg: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    title: "Save Parallel Stacks",
    filters: { SVG: ["svg"] },
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, "stacks.svg") }),
  });
  if (target) await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(svg));
}
