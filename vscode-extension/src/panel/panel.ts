/** The view "Async Tasks" in the bottom panel: feeds its page from the store, and does what it asks for. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { CaptureEnded, type Capture } from "../model/capture";
import { statusOf } from "../model/findings";
import { liveText } from "../model/labels";
import type { Row } from "../model/row";
import type { Store } from "../model/store";
import { documentOf } from "./document";
import type { FromPage, State, ToPage } from "./messages";
import { findByKey, tableOf } from "./table";

export const VIEW = "asynctb.tasks";

/** Shows where a row stands, and then gives the keyboard back; returns whether the debugger's views have followed. */
export type Show = (row: Row, giveBack: () => Promise<void>) => Promise<boolean>;

export class TasksPanel implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #subscriptions: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  #isReady = false;
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

  #receive(message: FromPage): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        this.#update();
        break;
      case "goTo":
        void this.#goTo(message.key);
        break;
      case "showRunning":
        this.store.showRunning();
        break;
    }
  }

  async #goTo(key: string): Promise<void> {
    const found = findByKey(this.store.sessions, key);
    if (!found) return;
    const [capture, activity] = found;
    const row: Row = { kind: "activity", id: key, parent: undefined, capture, activity, members: 0 };
    const followed = await this.show(row, async () => {
      await vscode.commands.executeCommand(`${VIEW}.focus`);
    });
    if (!followed || !this.#view) return;
    this.#current = { capture, key };
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
    this.#post(view, this.#state());
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

  #state(): State {
    const { captures, sessions, state } = this.store;
    const known = captures.filter(({ snapshotId }) => snapshotId !== undefined);
    const rest = known.reduce((sum, { total, loaded }) => sum + total - loaded, 0);
    const notes = [liveText(sessions), rest > 0 ? `${rest.toLocaleString("en-US")} more are being loaded.` : ""];
    if (captures.some(({ ended }) => ended)) notes.push("The program goes on.");
    for (const failure of captures.flatMap((capture) => this.#failures.get(capture) ?? [])) {
      notes.push(`Async tasks are not available: ${failure}`);
    }
    const current = this.#current && captures.includes(this.#current.capture) ? this.#current.key : undefined;
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
