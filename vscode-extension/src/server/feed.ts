/** Tells the language server what stands where: each picture by a file, so that nobody waits for a large message. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import { CaptureEnded, type Capture } from "../model/capture";
import { documentOf } from "../model/document";
import { RequestError } from "../model/helper";
import { Files } from "../model/source";
import type { Session, Store } from "../model/store";
import { readText, usesServer } from "../settings";
import type { LanguageServer } from "./server";

const PAUSED = "asynctb/paused";
const RESUMED = "asynctb/resumed";

/** How long (ms) the lines of the stop before stay if the program stops anew, so that stepping makes nothing jump. */
const LINGER = 500;
/** How long (ms) the lines of a new stop may be expected from the server. */
const GRACE = 1_000;
/** Of more activities, all stacks would keep debugger and editor busy for too long. */
const MOST = 20_000;

interface Told {
  readonly capture: Capture;
  readonly file: string;
}

export class Feed implements vscode.Disposable {
  /** Fires when the server shows something else. */
  readonly onDidChange: vscode.Event<void>;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  /** What the server has been told, by session. */
  readonly #told = new Map<string, Told>();
  /** Of which pictures it is being, or has been, told. */
  #begun = new WeakSet<Capture>();
  readonly #failed = new WeakSet<Capture>();
  #folder: Promise<string> | undefined;
  #files = 0;
  #sessions = new Map<string, Session>();

  constructor(
    private readonly store: Store,
    private readonly server: LanguageServer,
  ) {
    this.onDidChange = this.#changed.event;
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      store.onDidChange(() => this.#update()),
      server.onDidChange(() => this.#anew()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("asynctb.languageServer.python")) void this.restart();
        else if (event.affectsConfiguration("asynctb")) this.#again();
      }),
    );
  }

  /** Whether the server shows where the activities of a picture are, or is about to. */
  shows(capture: Capture): boolean {
    if (!this.server.running || !usesServer() || this.#failed.has(capture)) return false;
    if ([...this.#told.values()].some((told) => told.capture === capture)) return true;
    return Date.now() - capture.takenAt.getTime() < GRACE;
  }

  /** Start the server anew, also if it could not be started, or has ended too often. */
  async restart(): Promise<void> {
    await this.server.stop();
    this.#begun = new WeakSet();
    this.#update();
  }

  dispose(): void {
    this.#subscriptions.dispose();
    void this.#folder?.then(
      (folder) => rm(folder, { recursive: true, force: true }),
      () => undefined,
    );
  }

  #update(): void {
    const { sessions } = this.store;
    const before = this.#sessions;
    this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    for (const id of new Set([...before.keys(), ...this.#told.keys()])) {
      const session = this.#sessions.get(id);
      if (!session?.capture) this.#forget(id, session === undefined);
    }
    if (!usesServer()) return;
    for (const session of sessions) {
      const { capture } = session;
      // It is the others that want to see something: nothing is asked of the program for the server alone.
      if (capture?.snapshotId === undefined || capture.ended || this.#begun.has(capture)) continue;
      if (!this.server.running) {
        void this.server.start(); // which comes back here
        return;
      }
      this.#begun.add(capture);
      void this.#tell(session, capture);
    }
  }

  async #tell(session: Session, capture: Capture): Promise<void> {
    const isOutdated = (): boolean => session.capture !== capture || capture.ended;
    const linger = setTimeout(() => {
      if (session.capture === capture && this.#told.get(session.id)?.capture !== capture)
        this.#forget(session.id, false);
    }, LINGER);
    const grace = setTimeout(() => this.#changed.fire(), GRACE);
    try {
      if (capture.total > MOST) throw new RequestError("There are too many activities.", undefined);
      const pieces = await documentOf(capture, session.stop, new Files(readText));
      const file = await this.#write(pieces);
      if (isOutdated()) {
        void rm(file, { force: true });
        return;
      }
      const old = this.#told.get(session.id);
      this.#told.set(session.id, { capture, file });
      await this.server.notify(PAUSED, { sessionId: session.id, path: file });
      if (old) void rm(old.file, { force: true });
      this.#changed.fire();
    } catch (error) {
      if (error instanceof CaptureEnded) return;
      // Then the extension's own marks stay; the view says what is wrong with the program.
      this.#failed.add(capture);
      this.#changed.fire();
      if (!(error instanceof RequestError)) console.error("asynctb: the language server could not be told:", error);
    } finally {
      clearTimeout(linger);
      clearTimeout(grace);
    }
  }

  /** The server is another one than before: it knows nothing. */
  #anew(): void {
    for (const { file } of this.#told.values()) void rm(file, { force: true });
    this.#told.clear();
    if (this.server.running) {
      this.#begun = new WeakSet();
      this.#update();
    }
    this.#changed.fire();
  }

  /** Have the editor ask again for what the server shows. */
  #again(): void {
    if (usesServer()) {
      for (const [sessionId, { file }] of this.#told) void this.server.notify(PAUSED, { sessionId, path: file });
    } else {
      for (const id of [...this.#told.keys()]) this.#forget(id, false);
      this.#begun = new WeakSet();
    }
    this.#update();
    this.#changed.fire();
  }

  #forget(sessionId: string, ended: boolean): void {
    const told = this.#told.get(sessionId);
    this.#told.delete(sessionId);
    if (told || ended) void this.server.notify(RESUMED, { sessionId, ended });
    if (told) void rm(told.file, { force: true });
  }

  async #write(pieces: readonly string[]): Promise<string> {
    this.#folder ??= mkdtemp(path.join(tmpdir(), "asynctb-"));
    this.#files += 1;
    const file = path.join(await this.#folder, `${this.#files}.json`);
    await writeFile(file, pieces, { mode: 0o600 });
    return file;
  }
}
