/** A real VS Code workbench: code-server with the extension under test, and Chromium to look at it. */

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Browser, type FrameLocator, type Locator, type Page } from "playwright-core";

const HERE = import.meta.dirname;
const OUTPUT = path.join(HERE, "output");
const SERVER = path.join(HERE, "node_modules", "code-server");
/** How long (ms) to wait for something that must appear; a cold workbench on a busy machine is slow. */
export const PATIENCE = 60_000;

const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Settings that keep the window quiet. */
const SETTINGS = {
  "chat.disableAIFeatures": true,
  "workbench.startupEditor": "none",
  "telemetry.telemetryLevel": "off",
  "security.workspace.trust.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.colorTheme": "Default Dark Modern",
  "debug.openDebug": "openOnDebugBreak",
  "debug.internalConsoleOptions": "neverOpen",
  "debug.toolBarLocation": "docked",
  "debug.onTaskErrors": "debugAnyway",
  "window.newWindowDimensions": "maximized",
};

export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; start the tests by tests/e2e/run.`);
  return value;
}

export class Workbench {
  readonly page: Page;
  /** The folder that is open. */
  readonly folder: string;
  readonly #name: string;
  readonly #browser: Browser;
  readonly #server: ChildProcess;
  readonly #home: string;
  #shots = 0;

  private constructor(name: string, page: Page, browser: Browser, server: ChildProcess, home: string) {
    this.page = page;
    this.folder = path.join(home, "project");
    this.#name = name;
    this.#browser = browser;
    this.#server = server;
    this.#home = home;
  }

  /** Start a workbench on a folder with the given files. */
  static async start(name: string, files: Readonly<Record<string, string>>): Promise<Workbench> {
    const home = mkdtempSync(path.join(tmpdir(), "asynctb-e2e-"));
    const folder = path.join(home, "project");
    for (const [file, text] of Object.entries(files)) {
      const target = path.join(folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
    const data = path.join(home, "data");
    mkdirSync(path.join(data, "User"), { recursive: true });
    const settings = { ...SETTINGS, "asynctb.languageServer.python": environment("ASYNCTB_PYTHON") };
    writeFileSync(path.join(data, "User", "settings.json"), JSON.stringify(settings));
    const folders = ["--user-data-dir", data, "--extensions-dir", path.join(home, "extensions")];
    for (const vsix of [environment("ASYNCTB_VSIX"), environment("ASYNCTB_STAND_IN")]) {
      const result = spawnSync(process.execPath, [SERVER, ...folders, "--install-extension", vsix], {
        encoding: "utf8",
      });
      if (result.status !== 0) throw new Error(`${vsix} could not be installed:\n${result.stdout}${result.stderr}`);
    }
    const port = await freePort();
    const quiet = ["--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
    const server = spawn(
      process.execPath,
      [SERVER, ...quiet, "--bind-addr", `127.0.0.1:${port}`, ...folders, folder],
      { stdio: ["ignore", "pipe", "pipe"], detached: true }, // a group of its own, to be ended as a whole
    );
    endWithTests(server);
    let browser: Browser | undefined;
    try {
      await listening(server);
      browser = await chromium.launch({
        executablePath: environment("ASYNCTB_CHROMIUM"),
        args: CHROMIUM_FLAGS,
      });
      const page = await browser.newPage({
        viewport: { width: 1600, height: 1000 },
        permissions: ["clipboard-read", "clipboard-write"],
      });
      page.setDefaultTimeout(PATIENCE);
      await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`);
      await page.locator(".monaco-workbench .explorer-folders-view .monaco-list-row").first().waitFor();
      return new Workbench(name, page, browser, server, home);
    } catch (error) {
      await browser?.close();
      endGroup(server);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
    endGroup(this.#server);
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Keep a picture of the window in `output/`. */
  async screenshot(step: string): Promise<void> {
    mkdirSync(OUTPUT, { recursive: true });
    this.#shots += 1;
    const number = String(this.#shots).padStart(2, "0");
    await this.page.screenshot({ path: path.join(OUTPUT, `${this.#name}-${number}-${step}.png`) });
  }

  /** Press a key in the editor: a tree might take it for itself. */
  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Type into the input box that is open, and accept it. */
  async answer(text: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget input").first();
    await input.fill(text);
    await input.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  /** Name a file in the dialog that is open, or about to be. */
  async answerFile(file: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[aria-label^="Folder path"]').first();
    await input.waitFor();
    // Until it has read its folder, it takes nothing.
    const rows = this.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row");
    await rows.filter({ hasText: "standoff.py" }).first().waitFor();
    await input.fill(file);
    await input.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  /** Press a button in the header of our view. */
  async headerAction(title: string): Promise<void> {
    await this.view().locator(".pane-header").hover();
    await this.view().locator(".pane-header").getByRole("button", { name: title }).click();
  }

  /** Press a button in a row of a tree. */
  async inlineAction(label: string | RegExp, title: string, view = this.view()): Promise<void> {
    const row = this.row(label, view);
    await row.hover();
    await row.getByRole("button", { name: title }).click();
  }

  /** Choose from the context menu of a row of our tree. */
  async contextAction(label: string | RegExp, title: string): Promise<void> {
    await this.row(label).click({ button: "right" });
    const item = this.page.locator(".monaco-menu").getByText(title, { exact: true });
    await item.click();
    // A menu ignores a click that comes too soon after the one that opened it, and stays.
    for (let attempt = 0; attempt < 5 && (await item.isVisible()); attempt++) {
      await item.click({ timeout: 1000 }).catch(() => undefined);
    }
    await item.waitFor({ state: "hidden" });
  }

  /** Wait until the program has made a file. */
  async seeFile(name: string): Promise<void> {
    const file = path.join(this.folder, name);
    const seen = await this.#poll(
      () => Promise.resolve(existsSync(file) ? name : ""),
      (text) => text === name,
    );
    assert.equal(seen, name);
  }

  /** Wait until the clipboard holds such a text. */
  async seeClipboard(expected: RegExp): Promise<void> {
    const seen = await this.#poll(
      () => this.page.evaluate(() => navigator.clipboard.readText()),
      (text) => expected.test(text),
    );
    assert.match(seen, expected);
  }

  /** Run a command by its title in the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget input").first();
    const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: title }).first();
    const seen = await this.#poll(
      async () => {
        await this.page.keyboard.press("F1");
        await input.fill(`>${title}`);
        const found = await row.click({ timeout: 5000 }).then(
          () => title,
          () => "",
        );
        // The palette does not learn of commands that come while it is open, as those of extensions do at first, and
        // closes when a stop takes the keyboard.
        if (found === "") await this.page.keyboard.press("Escape");
        return found;
      },
      (found) => found !== "",
    );
    assert.equal(seen, title);
  }

  /** Start a configuration of launch.json. */
  async startDebugging(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-widget input").first().fill(`debug ${name}`);
    await this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: name }).first().click();
  }

  /** Choose how our tree is arranged. */
  async arrange(name: string): Promise<void> {
    await this.command("Async Stacks: Arrange...");
    await this.page.locator(".quick-input-title").getByText("Arrange Async Stacks").waitFor();
    await this.page
      .locator(".quick-input-list .monaco-list-row")
      .filter({ hasText: new RegExp(`^${name}`) })
      .first()
      .click();
  }

  /** Evaluate an expression in the Debug Console, and wait for what it prints. */
  async evaluate(expression: string, expected: string | RegExp): Promise<void> {
    await this.command("Debug Console: Focus on Debug Console View");
    await this.page.locator(".repl-input-wrapper .view-line").first().waitFor();
    await this.page.keyboard.type(expression);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".repl .value").getByText(expected).first().waitFor();
  }

  /** Wait until a row of our tree is selected and has the keyboard. */
  async seeFocus(label: string): Promise<void> {
    const seen = await this.#poll(
      () =>
        this.page.evaluate(() => {
          const list = document.activeElement?.closest(".pane")?.querySelector(".monaco-list-row.focused.selected");
          return list?.querySelector(".label-name")?.textContent ?? "";
        }),
      (text) => text === label,
    );
    assert.equal(seen, label);
  }

  /** The longest time (ms) between two frames that the window draws while something is done. */
  async longestFreeze(action: () => Promise<void>): Promise<number> {
    await this.page.evaluate(() => {
      const gaps = { longest: 0, last: performance.now(), ended: false };
      Object.assign(window, { asynctbGaps: gaps });
      const frame = (now: number): void => {
        gaps.longest = Math.max(gaps.longest, now - gaps.last);
        gaps.last = now;
        if (!gaps.ended) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    await action();
    return await this.page.evaluate(() => {
      const { asynctbGaps } = window as unknown as { asynctbGaps: { longest: number; ended: boolean } };
      asynctbGaps.ended = true;
      return asynctbGaps.longest;
    });
  }

  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-widget input").first().fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: name }).first().click();
    await this.page.locator(".tab.active").filter({ hasText: name }).waitFor();
  }

  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press("Control+G");
    await this.page.locator(".quick-input-widget input").first().fill(`:${line}`);
    await this.page
      .locator(".quick-input-list .monaco-list-row.focused")
      .filter({ hasText: `line ${line}` })
      .waitFor();
    await this.page.keyboard.press("Enter");
    await this.page
      .locator(`#status\\.editor\\.selection`)
      .filter({ hasText: `Ln ${line},` })
      .waitFor();
  }

  async toggleBreakpoint(line: number): Promise<void> {
    await this.goToLine(line);
    await this.page.keyboard.press("F9");
    await this.page.locator(".codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified").first().waitFor();
  }

  /** Fold other panes of the side bar, so that ours has room. */
  async foldPanes(...titles: string[]): Promise<void> {
    for (const title of titles) {
      const header = this.page.locator(`.pane-header[aria-label^="${title}"]`);
      if ((await header.getAttribute("aria-expanded")) === "true") await header.click();
    }
  }

  async unfoldPane(title: string): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label^="${title}"]`);
    if ((await header.getAttribute("aria-expanded")) === "false") await header.click();
  }

  /** Drag the border between side bar and editor. */
  async widenSideBar(width: number): Promise<void> {
    const box = await this.page.locator(".part.sidebar").boundingBox();
    if (!box) throw new Error("There is no side bar.");
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + width, y, { steps: 5 });
    await this.page.mouse.up();
  }

  /** The pane of a view of ours. */
  view(title = "Async Stacks"): Locator {
    return this.page.locator(".pane").filter({ has: this.page.locator(`.pane-header[aria-label^="${title}"]`) });
  }

  /** The first row of a tree with the label. */
  row(label: string | RegExp, view = this.view()): Locator {
    const hasText = typeof label === "string" ? new RegExp(`^${escape(label)}$`) : label;
    const name = this.page.locator(".label-name").filter({ hasText });
    return view.locator(".monaco-list-row").filter({ has: name }).first();
  }

  async expand(label: string | RegExp): Promise<void> {
    const row = this.row(label);
    await row.waitFor();
    if ((await row.getAttribute("aria-expanded")) !== "true") await row.locator(".monaco-tl-twistie").click();
  }

  /** Go to the end of our tree until a row is there: rows that come and go take the tree elsewhere. */
  async goToEnd(label: string | RegExp): Promise<void> {
    const row = this.row(label);
    const seen = await this.#poll(
      async () => {
        await this.view().locator(".monaco-list").first().focus();
        await this.press("End");
        return (await row.isVisible()) ? "there" : "";
      },
      (text) => text !== "",
    );
    assert.equal(seen, "there", `${String(label)} does not appear at the end`);
  }

  /** Indented text of what a tree shows: "label | description". */
  async tree(view = this.view()): Promise<string> {
    const rows = await view.locator(".monaco-list-row").evaluateAll((elements) =>
      elements.map((element) => ({
        top: Number.parseFloat((element as HTMLElement).style.top),
        level: Number(element.getAttribute("aria-level")),
        text: [".label-name", ".label-description"]
          .map((part) => element.querySelector(part)?.textContent ?? "")
          .filter((text) => text !== "")
          .join(" | "),
      })),
    );
    rows.sort((a, b) => a.top - b.top);
    // A row that is just being removed has no level any more.
    return rows.map(({ level, text }) => `${"  ".repeat(Math.max(level - 1, 0))}${text}`).join("\n");
  }

  /** The page of the view in the bottom panel. */
  panel(): FrameLocator {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  }

  /** Wait until the lines of the table in the bottom panel read so, with ` | ` between cells. */
  async seePanel(expected: RegExp): Promise<void> {
    const lines = this.panel().locator(".line");
    const read = async (): Promise<string> => {
      const rows = await lines.evaluateAll((elements) =>
        elements.map((element) => ({
          top: Number.parseFloat((element as HTMLElement).style.top),
          text: [...element.children].map((cell) => cell.textContent ?? "").join(" | "),
        })),
      );
      rows.sort((a, b) => a.top - b.top);
      return rows.map(({ text }) => text.replace(/^[▾▸+~]/, "")).join("\n");
    };
    const seen = await this.#poll(read, (text) => expected.test(text));
    assert.match(seen, expected);
  }

  /** Wait until a tree shows what is expected, in which `*` stands for anything but a line's end. */
  async seeTree(expected: string, view = this.view()): Promise<void> {
    const wanted = unindent(expected);
    const pattern = new RegExp(`^${escape(wanted).replaceAll("\\*", "[^\\n]*")}$`);
    const seen = await this.#poll(
      () => this.tree(view),
      (tree) => pattern.test(tree),
    );
    if (!pattern.test(seen)) assert.equal(seen, wanted);
  }

  /** Read what the page shows until it is as wanted, or for too long; returns what was read last. */
  async #poll(read: () => Promise<string>, wanted: (text: string) => boolean): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const seen = await read();
      if (wanted(seen) || Date.now() > deadline) return seen;
      // Nothing can have changed before the page has been drawn once more.
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    }
  }

  /** Wait until exactly this source is marked as where the selected row stands. */
  async seeHighlight(expected: string): Promise<void> {
    const seen = await this.#poll(
      () => this.#highlighted(),
      (text) => text === expected,
    );
    assert.equal(seen, expected);
  }

  async #highlighted(): Promise<string> {
    return await this.page.evaluate(() => {
      const marks = [...document.querySelectorAll('.view-overlays .cdr[class*="ced-"]')]
        .filter((element) => getComputedStyle(element).backgroundColor !== "rgba(0, 0, 0, 0)") // lines along blocks
        .map((element) => element.getBoundingClientRect())
        .filter(({ right }) => right < document.querySelector(".minimap")!.getBoundingClientRect().left);
      let text = "";
      const walker = document.createTreeWalker(document.querySelector(".view-lines")!, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const range = document.createRange();
        [...(node.textContent ?? "")].forEach((character, index) => {
          range.setStart(node, index);
          range.setEnd(node, index + 1);
          const { left, right, top, bottom } = range.getBoundingClientRect();
          const [x, y] = [(left + right) / 2, (top + bottom) / 2];
          if (marks.some((mark) => mark.left < x && x < mark.right && mark.top < y && y < mark.bottom))
            text += character;
        });
      }
      return text.replaceAll("\u00a0", " ");
    });
  }

  /** How long (ms) extensions have kept each other waiting at most, since that was asked the last time. */
  async longestDelay(): Promise<number> {
    await this.command("Stand-in: Copy Longest Delay");
    let text = "";
    await this.until(async () => {
      text = await this.page.evaluate(() => navigator.clipboard.readText());
      return /^longest delay: \d+ ms$/.test(text);
    });
    await this.page.evaluate(() => navigator.clipboard.writeText(""));
    return Number.parseInt(text.slice("longest delay: ".length), 10);
  }

  /** Wait until something holds. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const seen = await this.#poll(
      async () => ((await holds()) ? "yes" : "no"),
      (text) => text === "yes",
    );
    assert.equal(seen, "yes");
  }

  /** What the extension itself has put at the ends of lines. */
  async marks(): Promise<string[]> {
    return await this.page.evaluate(() =>
      [...document.querySelectorAll('.view-lines span[class*="ced-"]')].map(
        (element) => getComputedStyle(element, "::after").content,
      ),
    );
  }

  /** Wait until so many lines of the editor have a line along a block. */
  async seeBlockLines(expected: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('.view-overlays .cdr[class*="ced-"]')].filter((element) => {
          const { borderLeftWidth, backgroundColor } = getComputedStyle(element);
          return borderLeftWidth === "2px" && backgroundColor === "rgba(0, 0, 0, 0)";
        }).length === wanted,
      expected,
    );
  }

  /** Wait until a line of the editor ends in the text. */
  async seeMark(text: string): Promise<void> {
    await this.page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('.view-lines span[class*="ced-"]')].some((element) =>
          getComputedStyle(element, "::after").content.includes(wanted),
        ),
      text,
    );
  }

  /** A line of source with what stands at its end, or a code lens; `*` stands for anything. */
  line(text: string): Locator {
    const hasText = new RegExp(escape(text).replaceAll(" ", "\\s+").replaceAll("\\*", ".*"));
    return this.page.locator(".view-lines .view-line, .codelens-decoration").filter({ hasText });
  }

  /** Rest the pointer on the end of a line, on what stands there. */
  async hoverEnd(text: string): Promise<void> {
    const last = this.line(text).first().locator("span span").last();
    const box = await last.boundingBox();
    if (!box) throw new Error(`There is no line ${text}.`);
    await this.page.mouse.move(box.x + 5, box.y + 40, { steps: 3 });
    await this.page.mouse.move(box.x + box.width - 10, box.y + box.height / 2, { steps: 5 });
  }

  /** Rest the pointer on such a text at the end of a line. */
  async hoverMark(text: string): Promise<void> {
    const marks = this.page.locator('.view-lines span[class*="ced-"]');
    for (const mark of await marks.all()) {
      const content = await mark.evaluate((element) => getComputedStyle(element, "::after").content);
      if (!content.includes(text)) continue;
      const box = await mark.boundingBox();
      if (!box) break;
      await this.page.mouse.move(box.x + box.width - 10, box.y + box.height / 2, { steps: 3 });
      return;
    }
    throw new Error(`There is no mark ${text}.`);
  }

  /** Line of the cursor in the active editor, counted from 1. */
  async waitForLine(file: string, line: number): Promise<void> {
    await this.page.locator(".tab.active").filter({ hasText: file }).waitFor();
    await this.page
      .locator(`#status\\.editor\\.selection`)
      .filter({ hasText: `Ln ${line},` })
      .waitFor();
  }
}

/** A launch.json with these configurations, and a compound of all. */
export function launch(
  ...configurations: { name: string; program: string; args?: string[]; justMyCode?: boolean }[]
): string {
  return JSON.stringify({
    version: "0.2.0",
    compounds: [{ name: "All", configurations: configurations.map(({ name }) => name) }],
    configurations: configurations.map(({ program, ...rest }) => ({
      type: "debugpy",
      request: "launch",
      program: `\${workspaceFolder}/${program}`,
      console: "internalConsole",
      ...rest,
    })),
  });
}

/** Line with the comment `# @name`. */
export function markerLine(source: string, name: string): number {
  const index = source.split("\n").findIndex((line) => line.trimEnd().endsWith(`# @${name}`));
  if (index < 0) throw new Error(`There is no marker @${name}.`);
  return index + 1;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function listening(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes("HTTP server listening")) resolve();
    };
    server.stdout?.on("data", collect);
    server.stderr?.on("data", collect);
    server.once("exit", (code) => reject(new Error(`code-server ended with ${String(code)}:\n${output}`)));
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function unindent(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** Never leave a server behind, however the tests end. */
function endWithTests(server: ChildProcess): void {
  process.once("exit", () => {
    endGroup(server);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
}

function endGroup(server: ChildProcess): void {
  if (server.pid === undefined) return;
  try {
    process.kill(-server.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
