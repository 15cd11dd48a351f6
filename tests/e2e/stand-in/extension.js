// Starts the adapter of debugpy as Microsoft's Python Debugger extension does. The Python to use is in the environment
// of the workbench: ASYNCTB_PYTHON.
const { monitorEventLoopDelay } = require("node:perf_hooks");
const vscode = require("vscode");

exports.activate = (context) => {
  const python = process.env["ASYNCTB_PYTHON"];
  // All extensions run in one process: how long any of them has kept the others waiting.
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  context.subscriptions.push(
    vscode.commands.registerCommand("standIn.longestDelay", async () => {
      await vscode.env.clipboard.writeText(`longest delay: ${Math.round(delay.max / 1e6)} ms`);
      delay.reset();
    }),
    // As an assistant would.
    vscode.commands.registerCommand("standIn.why", async () => {
      const { content } = await vscode.lm.invokeTool("asynctb_why", { input: {}, toolInvocationToken: undefined });
      await vscode.env.clipboard.writeText(content.map(({ value }) => value).join(""));
    }),
    vscode.debug.registerDebugAdapterDescriptorFactory("debugpy", {
      createDebugAdapterDescriptor: (session) => {
        const { connect } = session.configuration; // a subprocess, or a program that listens
        return connect?.port
          ? new vscode.DebugAdapterServer(connect.port, connect.host)
          : new vscode.DebugAdapterExecutable(python, ["-m", "debugpy.adapter"]);
      },
    }),
    vscode.debug.registerDebugConfigurationProvider("debugpy", {
      resolveDebugConfiguration: (_folder, configuration) => ({ python: [python], ...configuration }),
    }),
  );
};
