/** Puts the language server with its libraries into a folder; they are pure Python, so it runs on every system. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const requirements = path.join(here, "server", "requirements.txt");

/** What the server consists of. */
const PARTS = ["__init__.py", "protocol.py", "language_server", "snapshot_files"];

/** The Python that can import what the extension carries. */
export function buildPython() {
  const scripts = process.platform === "win32" ? "Scripts/python.exe" : "bin/python";
  const python = process.env["ASYNCTB_PYTHON"] ?? path.join(root, ".venv", scripts);
  if (path.isAbsolute(python) && !existsSync(python)) {
    throw new Error(`There is no ${python}: set ASYNCTB_PYTHON to a Python (3.10 or later) that can import asynctb.`);
  }
  return python;
}

/** The libraries, which are fetched once for each state of requirements.txt. */
function libraries() {
  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const folder = path.join(here, ".libraries");
  const found = path.join(folder, key);
  if (existsSync(found)) return found;
  rmSync(folder, { recursive: true, force: true });
  const fresh = path.join(folder, "fresh");
  mkdirSync(fresh, { recursive: true });
  const options = ["--no-deps", "--no-compile", "--only-binary", ":all:", "--disable-pip-version-check"];
  execFileSync(buildPython(), ["-m", "pip", "install", "-q", ...options, "--target", fresh, "-r", requirements], {
    stdio: "inherit",
  });
  renameSync(fresh, found);
  return found;
}

/**
 * Make the folder of the server.
 *
 * @param {string} target
 */
export function bundleServer(target) {
  rmSync(target, { recursive: true, force: true });
  const filter = (/** @type {string} */ name) => !/__pycache__|\.pyc$|[/\\]bin$/.test(name);
  cpSync(libraries(), target, { recursive: true, filter });
  for (const name of PARTS) {
    const source = path.join(root, "dap_extension", name);
    cpSync(source, path.join(target, "dap_extension", name), { recursive: true, filter });
  }
  cpSync(path.join(here, "server", "run.py"), path.join(target, "run.py"));
  // What is of use only to the program that installed them.
  for (const name of readdirSync(target).filter((each) => each.endsWith(".dist-info"))) {
    for (const file of ["RECORD", "INSTALLER", "REQUESTED", "WHEEL"])
      rmSync(path.join(target, name, file), { force: true });
  }
}
