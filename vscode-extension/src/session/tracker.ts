/** The one owner of debug session events: follows the sessions of Python's debugger and keeps the store up to date. */

import type { DebugProtocol } from "@vscode/debugprotocol";
import * as vscode from "vscode";
import type { Session, Store } from "../model/store";

/** The debug types of Microsoft's debugger for Python; `python` is the older name. */
const DEBUG_TYPES = ["debugpy", "python"];

/** Requests after which the program goes on; those of the second kind make it stop again soon. */
const CONTINUE = new Set(["continue", "reverseContinue"]);
const STEP = new Set(["next", "stepIn", "stepOut", "stepBack", "goto"]);

export function trackSessions(store: Store): vscode.Disposable {
  const factory: vscode.DebugAdapterTrackerFactory = {
    createDebugAdapterTracker: (session) => new SessionTracker(store, session),
  };
  return vscode.Disposable.from(
    ...DEBUG_TYPES.map((type) => vscode.debug.registerDebugAdapterTrackerFactory(type, factory)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("asynctb.callStack")) return;
      for (const session of store.sessions) if (session.helper.installed) session.configure();
    }),
    vscode.debug.onDidTerminateDebugSession((ended) => {
      const session = store.get(ended.id);
      if (session) store.close(session);
    }),
  );
}

class SessionTracker implements vscode.DebugAdapterTracker {
  readonly #open: () => Session;
  /** Threads that the debugger holds, or "all". */
  #stopped: Set<number> | "all" = new Set();
  /** The request by which the user ended the pause, until it is known whether it was granted. */
  #ending: number | undefined;
  #session: Session;

  constructor(
    private readonly store: Store,
    session: vscode.DebugSession,
  ) {
    this.#open = () =>
      store.open(
        session.id,
        () => session.name,
        (command, args) => Promise.resolve(session.customRequest(command, args)),
      );
    this.#session = this.#open();
  }

  /** A message from the editor to the adapter. */
  onWillReceiveMessage(message: DebugProtocol.ProtocolMessage): void {
    if (message.type !== "request") return;
    const { command, seq } = message as DebugProtocol.Request;
    if (CONTINUE.has(command) || STEP.has(command)) {
      // The pause is over once the user wants it to be: what the helper would answer now could be of a running program.
      if (this.#session.paused) this.#ending = seq;
      this.#resumed(STEP.has(command));
    } else if (command === "pause") {
      void this.#pause(message as DebugProtocol.PauseRequest);
    }
  }

  /** A message from the adapter to the editor. */
  onDidSendMessage(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === "event") this.#event(message as DebugProtocol.Event);
    else if (message.type === "response") this.#response(message as DebugProtocol.Response);
  }

  onWillStopSession(): void {
    this.store.close(this.#session);
  }

  onExit(): void {
    this.store.close(this.#session);
  }

  #event(event: DebugProtocol.Event): void {
    switch (event.event) {
      case "stopped": {
        const { body } = event as DebugProtocol.StoppedEvent;
        if ("asynctbFocus" in body) break; // ours, see `view/focus.ts`: nothing has stopped
        const { reason, threadId, allThreadsStopped } = body;
        if (allThreadsStopped === true || threadId === undefined) this.#stopped = "all";
        else if (this.#stopped !== "all") this.#stopped.add(threadId);
        // A restarted session goes on under its old identifier after its end.
        if (this.store.get(this.#session.id) !== this.#session) this.#session = this.#open();
        this.#session.stopped({ reason, ...(threadId !== undefined && { threadId }) });
        break;
      }
      case "continued": {
        const { threadId, allThreadsContinued } = (event as DebugProtocol.ContinuedEvent).body;
        if (allThreadsContinued === false && this.#stopped !== "all") {
          this.#stopped.delete(threadId);
          if (this.#stopped.size > 0) {
            this.#session.stopped(); // the others are still held, but what they run may have changed
            break;
          }
        }
        this.#resumed(false);
        break;
      }
      case "terminated":
        this.store.close(this.#session);
        break;
    }
  }

  #response({ request_seq: seq, success }: DebugProtocol.Response): void {
    if (seq !== this.#ending) return;
    this.#ending = undefined;
    if (!success && !this.#session.paused) this.#session.stopped();
  }

  /**
   * debugpy does not stop a program whose event loops all wait in the system. The helper wakes them at each `pause`, but
   * does not know of one that came before it.
   */
  async #pause({ arguments: args }: DebugProtocol.PauseRequest): Promise<void> {
    const session = this.#session;
    if (session.helper.installed) return;
    try {
      await session.helper.ready();
      if (!session.paused && this.store.get(session.id) === session) await session.helper.standard("pause", args);
    } catch {
      // Then it stops when it next runs Python code, as without us; the view will say what is wrong.
    }
  }

  #resumed(stepping: boolean): void {
    this.#stopped = new Set();
    this.#session.resumed(stepping);
  }
}
