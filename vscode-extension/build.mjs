/**
 * Builds the extension into `dist/`.
 *
 *     node build.mjs             the extension, and the helper and the language server that it carries
 *     node build.mjs --tests     the unit tests, into `out/`
 *     node build.mjs --package   also `asynctb.vsix`
 *
 * The helper is made by `python -m dap_extension.payload` of this repository. The environment variable ASYNCTB_PYTHON
 * names a Python that can import it; the default is the virtual environment at the root of the repository.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildPython, bundleServer } from "./bundle.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);

/** @type {import("esbuild").BuildOptions} */
const common = { bundle: true, platform: "node", target: "node20", format: "cjs", logLevel: "warning" };

function payload() {
  mkdirSync(path.join(here, "dist"), { recursive: true });
  execFileSync(buildPython(), ["-m", "dap_extension.payload", path.join(here, "dist", "bootstrap.txt")], {
    cwd: root,
    stdio: "inherit",
  });
}

async function extension() {
  rmSync(path.join(here, "dist"), { recursive: true, force: true });
  payload();
  bundleServer(path.join(here, "dist", "server"));
  copyFileSync(path.join(root, "examples", "order_service.py"), path.join(here, "dist", "order_service.py"));
  await build({
    ...common,
    absWorkingDir: here,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    external: ["vscode"],
    minify: true,
  });
  await build({
    ...common,
    absWorkingDir: here,
    entryPoints: ["main.ts", "panel.css"].map((name) => ({ in: `src/panel/web/${name}`, out: "panel" })),
    outdir: "dist",
    platform: "browser",
    target: "chrome118",
    format: "iife",
    minify: true,
  });
}

async function tests() {
  rmSync(path.join(here, "out"), { recursive: true, force: true });
  await build({
    ...common,
    absWorkingDir: here,
    entryPoints: readdirSync(path.join(here, "test"))
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `test/${name}`),
    outdir: "out/test",
    packages: "external",
    sourcemap: "inline",
  });
}

function vsix() {
  for (const name of readdirSync(root)) {
    if (name.startsWith("LICENSE")) copyFileSync(path.join(root, name), path.join(here, name));
  }
  const vsce = path.join(here, "node_modules", "@vscode", "vsce", "vsce");
  const args = [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--out", "asynctb.vsix"];
  execFileSync(process.execPath, args, { cwd: here, stdio: "inherit" });
}

const mode = process.argv[2];
if (mode === "--tests") {
  await tests();
} else {
  await extension();
  if (mode === "--package") vsix();
}
