/** The example that people can try. */

import * as vscode from "vscode";

export interface Example {
  /** As it came with the extension. */
  readonly source: vscode.Uri;
  /** Where a copy can be debugged. */
  readonly folder: vscode.Uri;
}

const DEBUGGER = "ms-python.debugpy";

/** Open the example and debug it: it stops by itself. */
export async function runExample({ source, folder }: Example): Promise<void> {
  if (!hasDebugger()) {
    const install = "Show Python Debugger";
    const answer = await vscode.window.showInformationMessage(
      "Debugging Python needs Microsoft's Python Debugger extension.",
      install,
    );
    if (answer === install) await vscode.commands.executeCommand("extension.open", DEBUGGER);
    return;
  }
  const program = vscode.Uri.joinPath(folder, "order_service.py");
  await vscode.workspace.fs.createDirectory(folder);
  await vscode.workspace.fs.copy(source, program, { overwrite: true });
  await vscode.window.showTextDocument(program);
  await vscode.debug.startDebugging(undefined, {
    type: "debugpy",
    name: "Async Stacks Example",
    request: "launch",
    program: program.fsPath,
    console: "internalConsole",
  });
}

/** Whether anything here can debug Python. */
function hasDebugger(): boolean {
  return vscode.extensions.all.some(({ packageJSON }) => {
    const { contributes } = packageJSON as { contributes?: { debuggers?: { type?: string }[] } };
    return contributes?.debuggers?.some(({ type }) => type === "debugpy") === true;
  });
}
