/**
 * A tool for language models that tells why a paused program does not go on. It is asked by the editor's assistants, and
 * only reads; nothing is sent anywhere by us.
 */

import * as vscode from "vscode";
import type { Session, Store } from "../model/store";
import { textOfSessions, textOfWhy } from "../model/text";
import type { StacksProvider } from "../view/provider";

const NAME = "asynctb_why";
/** Most characters of stacks beside the findings: assistants have room for so much only. */
const MOST = 50_000;

/** The part of the editor's interface that came after the oldest version that we support (1.95). */
interface Tools {
  readonly lm?: { registerTool?(name: string, tool: { invoke(): Promise<unknown> }): vscode.Disposable };
  readonly LanguageModelToolResult?: new (parts: unknown[]) => unknown;
  readonly LanguageModelTextPart?: new (text: string) => unknown;
}

export function registerTool(store: Store, provider: StacksProvider): vscode.Disposable {
  const { lm, LanguageModelToolResult: Result, LanguageModelTextPart: Part } = vscode as unknown as Tools;
  if (lm?.registerTool === undefined || !Result || !Part) return new vscode.Disposable(() => undefined);
  return lm.registerTool(NAME, { invoke: async () => new Result([new Part(await answer(store.sessions, provider))]) });
}

/** The findings with their stacks, and then all stacks, identical ones once. */
async function answer(sessions: readonly Session[], provider: StacksProvider): Promise<string> {
  const paused = sessions.filter((session) => session.capture);
  if (paused.length === 0) return "No Python program is paused in the debugger.";
  const why = await textOfWhy(paused, provider.unpaged);
  const all = await textOfSessions(paused, provider.stacks);
  const cut = all.text.length > MOST ? `${all.text.slice(0, MOST)}\n... (cut off here)\n` : all.text;
  return `${why.text}\n${cut}`;
}
