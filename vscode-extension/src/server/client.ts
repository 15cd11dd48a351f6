/** The client of the language server. It is a large library: loaded when the server is started. */

import type * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type Middleware,
} from "vscode-languageclient/node";

const NAME = "Async Stacks Language Server";

export interface ClientOptions {
  readonly command: string;
  readonly args: string[];
  readonly log: vscode.OutputChannel;
  readonly middleware: Middleware;
  /** Called when the server has ended by itself; returns whether it shall be started again. */
  readonly ended: () => boolean;
  readonly running: (running: boolean) => void;
}

/** Failures are logged: nothing of them keeps the user from working. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A client whose server is not started yet. */
export function newClient({ command, args, log, middleware, ended, running }: ClientOptions): LanguageClient {
  const client = new QuietClient(
    "asynctb",
    NAME,
    { command, args },
    {
      documentSelector: [{ scheme: "file", language: "python" }],
      outputChannel: log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: { adapters: false },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: ended() ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true }),
      },
      middleware,
    },
  );
  client.onDidChangeState(({ newState }) => running(newState === State.Running));
  return client;
}
