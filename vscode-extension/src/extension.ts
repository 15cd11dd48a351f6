import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { registerCommands, SHOW_TASKS } from "./commands";
import { shower } from "./commands/show";
import { registerTool } from "./commands/tool";
import { Highlight } from "./decorations/highlight";
import { Marks } from "./decorations/marks";
import { Store } from "./model/store";
import { TasksPanel } from "./panel/panel";
import { Feed } from "./server/feed";
import { middlewareFor } from "./server/middleware";
import { LanguageServer } from "./server/server";
import { Snapshots } from "./snapshots/commands";
import { Documents } from "./snapshots/documents";
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
  const documents = new Documents();
  const snapshots = new Snapshots(store, documents, context.asAbsolutePath("dist/worker.js"));
  const example = {
    source: vscode.Uri.joinPath(context.extensionUri, "dist", "order_service.py"),
    folder: context.globalStorageUri,
  };
  const surroundings = { store, highlight, documents };
  const showRow = shower(surroundings);
  const panel = new TasksPanel(store, vscode.Uri.joinPath(context.extensionUri, "dist"), showRow);
  context.subscriptions.push(
    filter,
    provider,
    highlight,
    view,
    provideColors(),
    marks,
    documents,
    feed,
    server,
    marks.leaveTo(feed),
    new Status(store),
    panel,
    registerCommands({
      store,
      provider,
      filter,
      view,
      marks,
      feed,
      surroundings,
      showRow,
      snapshots,
      panel,
      example,
      walkthrough: `${context.extension.id}#asynctb.start`,
    }),
    registerTool(store, provider),
    trackSessions(store),
  );
}
