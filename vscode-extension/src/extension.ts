import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { registerCommands, SHOW_TASKS } from "./commands";
import { showRow } from "./commands/show";
import { registerTool } from "./commands/tool";
import { Highlight } from "./decorations/highlight";
import { Marks } from "./decorations/marks";
import { Store } from "./model/store";
import { TasksPanel } from "./panel/panel";
import { Feed } from "./server/feed";
import { middlewareFor } from "./server/middleware";
import { LanguageServer } from "./server/server";
import { trackSessions } from "./session/tracker";
import { callStackSettings } from "./settings";
import { provideColors } from "./view/colors";
import { Filter } from "./view/filter";
import { StacksProvider } from "./view/provider";
import { Status } from "./view/status";
import { createView } from "./view/view";

export function activate(context: vscode.ExtensionContext): void {
  const store = new Store({
    bootstrap: () => readFile(context.asAbsolutePath("dist/bootstrap.txt"), "utf8"),
    callStack: callStackSettings,
  });
  const filter = new Filter();
  const provider = new StacksProvider(store, filter);
  const highlight = new Highlight(store);
  const view = createView(provider, store, filter, context.globalState);
  const media = vscode.Uri.joinPath(context.extensionUri, "media");
  const marks = new Marks(store, (name) => vscode.Uri.joinPath(media, name));
  const middleware = middlewareFor({
    sayingAt: (document, line, room) => marks.sayingAt(document, line, room),
    showTasks: async (id, activityIds) => {
      await vscode.commands.executeCommand(SHOW_TASKS, id, activityIds);
    },
  });
  const script = context.asAbsolutePath("dist/server/run.py");
  const server = new LanguageServer(script, middleware, context.globalState);
  const feed = new Feed(store, server);
  const example = {
    source: vscode.Uri.joinPath(context.extensionUri, "dist", "order_service.py"),
    folder: context.globalStorageUri,
  };
  context.subscriptions.push(
    filter,
    provider,
    highlight,
    view,
    provideColors(),
    marks,
    feed,
    server,
    marks.leaveTo(feed),
    new Status(store),
    new TasksPanel(store, vscode.Uri.joinPath(context.extensionUri, "dist"), (row, giveBack) =>
      showRow(row, store, highlight, giveBack),
    ),
    registerCommands({
      store,
      provider,
      filter,
      highlight,
      view,
      marks,
      feed,
      example,
      walkthrough: `${context.extension.id}#asynctb.start`,
    }),
    registerTool(store, provider),
    trackSessions(store),
  );
}
