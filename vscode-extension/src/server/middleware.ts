/** What becomes of the server's answers: settings switch each kind off, and hovers get links to tasks. */

import type * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { Saying } from "../decorations/marks";
import { hintRoom, serverShows } from "../settings";

/** The server's command of a code lens, and the one that tells whom it is about. */
const LIST = "asynctb.list";
const MEMBERS = "asynctb.members";

export interface Surroundings {
  /** What the extension says of a line, which the program has under this number. */
  readonly sayingAt: (document: vscode.TextDocument, line: number, room?: number) => Saying | undefined;
  /** Let the user choose among activities of a session. */
  readonly showTasks: (sessionId: string, activityIds: readonly string[]) => Promise<void>;
}

/** A hint with what the server says about it. */
interface SessionHint extends vscode.InlayHint {
  readonly data?: { readonly line?: number };
}

export function middlewareFor({ sayingAt, showTasks }: Surroundings): Middleware {
  return {
    provideCodeLenses: (document, token, next) => (serverShows("lenses") ? next(document, token) : []),
    provideInlayHints: async (document, range, token, next) => {
      if (!serverShows("hints")) return [];
      const hints: SessionHint[] = (await next(document, range, token)) ?? [];
      const room = hintRoom(document);
      for (const hint of hints) {
        const said = typeof hint.label === "string" ? hint.label : "";
        const line = hint.data?.line;
        const saying = line === undefined ? undefined : sayingAt(document, line, room);
        if (!saying) {
          hint.label = said.replace("⏸", "‖");
          continue;
        }
        // In the words of the tree, for which there is room; others are in what is called there.
        const rest = said.indexOf("↳");
        hint.label = `${saying.text()}${rest < 0 ? "" : `  ${said.slice(rest)}`}`;
        // Where there is a hover for the line, it is shown for the hint, too.
        if (!serverShows("hovers")) hint.tooltip = saying.hover();
      }
      return hints;
    },
    provideHover: async (document, position, token, next) => {
      if (!serverShows("hovers")) return undefined;
      const hover = await next(document, position, token);
      // Of what is edited, only the server knows which lines these are.
      const saying = hover && !document.isDirty ? sayingAt(document, position.line + 1) : undefined;
      if (saying) hover?.contents.push(saying.hover());
      return hover;
    },
    handleDiagnostics: (uri, diagnostics, next) => next(uri, serverShows("diagnostics") ? diagnostics : []),
    provideWorkspaceSymbols: (query, token, next) => (serverShows("navigation") ? next(query, token) : []),
    provideReferences: (document, position, options, token, next) =>
      serverShows("navigation") ? next(document, position, options, token) : [],
    prepareCallHierarchy: (document, position, token, next) =>
      serverShows("navigation") ? next(document, position, token) : undefined,
    executeCommand: async (command, args, next) => {
      if (command !== LIST) return (await next(command, args)) as unknown;
      const ids = (await next(MEMBERS, args)) as unknown;
      const sessionId = args[0] as unknown;
      if (typeof sessionId === "string" && Array.isArray(ids)) await showTasks(sessionId, ids.map(String));
      return undefined;
    },
  };
}
