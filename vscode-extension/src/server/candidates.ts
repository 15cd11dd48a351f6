/** Where interpreters are looked for: our setting, the extensions that know those of the folder, the search path. */

import { homedir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { Candidate } from "../model/interpreters";
import { serverPython } from "../settings";

/** How long (ms) another extension may take to answer. */
const PATIENCE = 10_000;

/** What we use of the Python Environments extension. */
interface Environments {
  getEnvironment?(scope: vscode.Uri | undefined): Promise<{ execInfo?: { run?: Run } } | undefined>;
}

interface Run {
  executable?: string;
  args?: string[];
}

/** And of the Python extension. */
interface Python {
  environments?: {
    getActiveEnvironmentPath?(resource?: vscode.Uri): { path: string };
    resolveEnvironment?(environment: { path: string }): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
  };
}

export const candidates: readonly (() => Promise<Candidate[]>)[] = [ours, environments, python, onPath];

function ours(): Promise<Candidate[]> {
  const setting = serverPython();
  if (setting === "") return Promise.resolve([]);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const file = setting.replaceAll(/\$\{workspaceFolder\}/g, () => folder).replace(/^~(?=[\\/]|$)/, () => homedir());
  const isRelative = /[\\/]/.test(file) && !path.isAbsolute(file);
  const command = [isRelative ? path.join(folder, file) : file];
  return Promise.resolve([{ origin: "the setting asynctb.languageServer.python", command }]);
}

async function environments(): Promise<Candidate[]> {
  const api = await exported<Environments>("ms-python.vscode-python-envs");
  const run = (await within(api?.getEnvironment?.(folderUri())))?.execInfo?.run;
  if (run?.executable === undefined) return [];
  return [{ origin: "the Python Environments extension", command: [run.executable, ...(run.args ?? [])] }];
}

async function python(): Promise<Candidate[]> {
  const api = (await exported<Python>("ms-python.python"))?.environments;
  const active = api?.getActiveEnvironmentPath?.(folderUri());
  if (!api || !active) return [];
  const resolved = (await within(api.resolveEnvironment?.(active)))?.executable?.uri?.fsPath;
  return [{ origin: "the Python extension", command: [resolved ?? active.path] }];
}

function onPath(): Promise<Candidate[]> {
  const names = process.platform === "win32" ? [["py", "-3"], ["python"]] : [["python3"], ["python"]];
  return Promise.resolve(names.map((command) => ({ origin: "the search path", command })));
}

function folderUri(): vscode.Uri | undefined {
  return vscode.workspace.workspaceFolders?.[0]?.uri;
}

/** What another extension offers; undefined if it is not there, or has a defect. */
async function exported<T>(id: string): Promise<T | undefined> {
  const extension = vscode.extensions.getExtension<T | undefined>(id);
  return extension && (await within(extension.activate()));
}

/** The result, or undefined if it fails or takes too long. */
async function within<T>(wanted: PromiseLike<T> | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE);
  });
  try {
    return await Promise.race([wanted, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
