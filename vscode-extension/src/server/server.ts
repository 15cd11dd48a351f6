/** The language server: a process of its own, started when it is first needed, and missed by nobody if it cannot be. */

import * as vscode from "vscode";
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import { choose, probe, refusal } from "../model/interpreters";
import { serverPython } from "../settings";
import { candidates } from "./candidates";

/** After so many ends within so long (ms) it is not started again by itself. */
const MOST_ENDS = 3;
const PERIOD = 180_000;
/** How long (ms) it may take to end. */
const PATIENCE = 2_000;

const REFUSED = "asynctb.serverRefused";

export class LanguageServer implements vscode.Disposable {
  /** Fires when it begins or ceases to run. */
  readonly onDidChange: vscode.Event<void>;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #log = vscode.window.createOutputChannel("Async Stacks Language Server");
  #client: LanguageClient | undefined;
  #starting: Promise<boolean> | undefined;
  #ends: number[] = [];
  #running = false;
  /** How often it has been stopped: what was begun before that is void. */
  #stops = 0;

  constructor(
    /** The script that runs it. */
    private readonly script: string,
    private readonly middleware: Middleware,
    private readonly memory: vscode.Memento,
  ) {
    this.onDidChange = this.#changed.event;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Start it, unless it runs or could not be started before; returns whether it runs. */
  async start(): Promise<boolean> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#log.appendLine(`The language server does not start: ${String(error)}`);
      return false;
    });
    return (await this.#starting) && this.#running;
  }

  /** End it, so that the next start begins anew. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#stops += 1;
    this.#client = undefined;
    this.#starting = undefined;
    this.#ends = [];
    this.#set(false);
    try {
      await client?.dispose(PATIENCE);
    } catch {
      // It does not run any more, or never has.
    }
  }

  /** Tell it something; nothing happens if it does not run. */
  async notify(method: string, params: object): Promise<void> {
    try {
      if (this.#running) await this.#client?.sendNotification(method, params);
    } catch (error) {
      this.#log.appendLine(`${method} could not be sent: ${String(error)}`);
    }
  }

  dispose(): void {
    void this.stop();
    this.#log.dispose();
    this.#changed.dispose();
  }

  async #start(): Promise<boolean> {
    const stops = this.#stops;
    const choice = await choose(candidates, probe);
    for (const { candidate, reason } of choice.refused) {
      this.#log.appendLine(`${candidate.command.join(" ")} (${candidate.origin}) ${reason}.`);
    }
    // One that was asked for by name is missed even if there is another one.
    const isWrong = serverPython() !== "" && choice.refused.length > 0;
    if (!choice.chosen || isWrong) void this.#say(refusal(choice));
    if (!choice.chosen) return false;
    const [command = "", ...args] = choice.chosen.command;
    this.#log.appendLine(`Runs with ${choice.chosen.command.join(" ")}, from ${choice.chosen.origin}.`);
    const { newClient } = await import("./client");
    if (stops !== this.#stops) return false;
    const client = newClient({
      command,
      // It needs the standard library and what it brings along, and nothing shall be in its way.
      args: [...args, "-I", "-S", this.script],
      log: this.#log,
      middleware: this.middleware,
      ended: () => this.#startsAgain(),
      running: (running) => {
        if (this.#client === client) this.#set(running);
      },
    });
    this.#client = client;
    await client.start();
    return true;
  }

  /** Whether it shall be started again after it has ended by itself. */
  #startsAgain(): boolean {
    const now = Date.now();
    this.#ends = [...this.#ends.filter((each) => now - each < PERIOD), now];
    const again = this.#ends.length < MOST_ENDS;
    this.#log.appendLine(`It has ended${again ? "; it is started again" : ""}.`);
    return again;
  }

  #set(running: boolean): void {
    if (this.#running === running) return;
    this.#running = running;
    this.#changed.fire();
  }

  /** Say once what keeps it from running, unless it is something else than the last time. */
  async #say(text: string): Promise<void> {
    if (this.memory.get(REFUSED) === text) return;
    await this.memory.update(REFUSED, text);
    const open = "Open Setting";
    if ((await vscode.window.showInformationMessage(text, open)) !== open) return;
    await vscode.commands.executeCommand("workbench.action.openSettings", "asynctb.languageServer.python");
  }
}
