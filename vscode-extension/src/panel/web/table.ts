/** The table: a line for each activity, sorted, grouped and searched as the user wishes. */

import { arranged, cellOf, found, groupKey, type Line, type TaskLine } from "../arranging";
import { COLUMNS, type Column, type Rows, type State, type TaskRow } from "../messages";
import { List, LINE } from "./list";
import { Choices, element, send } from "./page";

const TITLES: Readonly<Record<Column, string>> = {
  session: "Session",
  name: "Name",
  state: "State",
  wait: "Waits For",
  holder: "Held By",
  function: "Own Function",
  file: "File",
  framework: "Framework",
  group: "Belongs To",
  created: "Created In",
};

/** What share of the width a column has at first. */
const SHARES: Readonly<Record<Column, number>> = {
  session: 1,
  name: 1.6,
  state: 1.4,
  wait: 1.6,
  holder: 1.2,
  function: 1.6,
  file: 1.6,
  framework: 1,
  group: 1.2,
  created: 1.6,
};

/** Least width (px) of a column. */
const LEAST = 48;

interface Chosen {
  search: string;
  sort: { column: Column; descending: boolean } | undefined;
  group: Column | undefined;
  selected: string | undefined;
  /** Width (px) of the columns that the user has changed. */
  widths: Partial<Record<Column, number>>;
}

export class Table {
  readonly root = element("div", { class: "table" });
  /** What stands in the bar above. */
  readonly tools = element("div", { class: "tools" });
  readonly #choices = new Choices<Chosen>({
    search: "",
    sort: undefined,
    group: undefined,
    selected: undefined,
    widths: {},
  });
  readonly #search: HTMLInputElement;
  readonly #group: HTMLSelectElement;
  readonly #count: HTMLElement;
  readonly #grid: HTMLElement;
  readonly #titles: HTMLElement;
  readonly #list: List<Line>;
  readonly #closed = new Set<string>();
  #rows: readonly TaskRow[] = [];
  #byKey: ReadonlyMap<string, TaskRow> = new Map();
  #paths = new Map<TaskRow, string>();
  /** Parts of the next rows, which are not complete yet. */
  #coming: TaskRow[] = [];
  #comingPaths = new Map<TaskRow, string>();
  #severalSessions = false;
  /** What the titles have been drawn for: drawing them once more would take the keyboard from them. */
  #drawn = "";

  constructor() {
    this.#search = element(
      "input",
      { type: "search", placeholder: "Search", "aria-label": "Search all columns", class: "search" },
      this.tools,
    );
    this.#search.value = this.#choices.value.search;
    this.#search.addEventListener("input", () => {
      this.#choices.change({ search: this.#search.value });
      this.#arrange();
    });
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") this.#grid.focus();
      else if (event.key === "Escape" && this.#search.value !== "") this.#clearSearch();
    });
    const label = element("label", { class: "by" }, this.tools);
    label.append("Group by ");
    this.#group = element("select", {}, label);
    this.#group.addEventListener("change", () => {
      this.#choices.change({ group: COLUMNS.find((column) => column === this.#group.value) });
      this.#arrange();
    });
    this.#count = element("span", { class: "count", role: "status" }, this.tools);
    this.#grid = element(
      "div",
      { class: "grid", role: "treegrid", "aria-label": "Tasks", "aria-readonly": "true" },
      this.root,
    );
    this.#titles = element("div", { class: "titles", role: "row", "aria-rowindex": "1" }, this.#grid);
    const body = element("div", { class: "lines", role: "rowgroup" }, this.#grid);
    body.addEventListener("click", (event) => this.#follow(event));
    this.#list = new List<Line>({
      host: this.#grid,
      body,
      above: LINE + 2,
      role: "row",
      draw: (line, into) => this.#draw(line, into),
      isOpen: (line) => (line.kind === "group" ? line.isOpen : undefined),
      level: (line) => (line.kind === "task" && this.#choices.value.group !== undefined ? 2 : 1),
      selected: (key) => this.#choices.change({ selected: key }),
      toggle: (line) => this.#toggle(line),
      go: (line) => {
        if (line.kind === "task") send({ type: "goTo", key: line.key });
        else this.#toggle(line);
      },
    });
    this.#drawTitles();
  }

  /** A part of all rows has come. */
  receive({ isFirst, isLast, rows, paths }: Rows): void {
    if (isFirst) {
      this.#coming = [];
      this.#comingPaths = new Map();
    }
    for (const row of rows) {
      this.#coming.push(row);
      const path = row.path === undefined ? undefined : paths[row.path];
      if (path !== undefined) this.#comingPaths.set(row, path);
    }
    if (!isLast) return;
    this.#rows = this.#coming;
    this.#paths = this.#comingPaths;
    this.#byKey = new Map(this.#rows.map((row) => [row.key, row]));
    this.#coming = [];
    this.#comingPaths = new Map();
    this.#drawTitles();
    this.#arrange();
  }

  /** Mark the line that the debugger's views show now, and go on with the keyboard from there. */
  followed(key: string): void {
    this.#list.current = key;
    // The editor gives the keyboard to the frame around this page, where it would stay.
    window.focus();
    this.#grid.focus();
  }

  update({ severalSessions, current }: State): void {
    this.#list.current = current;
    if (severalSessions === this.#severalSessions) return;
    this.#severalSessions = severalSessions;
    this.#drawTitles();
    this.#arrange();
  }

  /** The session goes without saying if there is one only, and where tasks were made is not always recorded. */
  get #hidden(): readonly Column[] {
    const hidden: Column[] = this.#severalSessions ? [] : ["session"];
    return this.#rows.some((row) => cellOf(row, "created") !== "") ? hidden : [...hidden, "created"];
  }

  get #columns(): readonly Column[] {
    const hidden = this.#hidden;
    return COLUMNS.filter((column) => !hidden.includes(column));
  }

  #arrange(): void {
    const { search, sort, group } = this.#choices.value;
    const columns = this.#columns;
    const seen = found(this.#rows, search, this.#hidden);
    const arrangement = { search, sort, group: group && columns.includes(group) ? group : undefined };
    const lines = arranged(seen, arrangement, this.#closed);
    this.#count.textContent =
      search.trim() === ""
        ? ""
        : `${seen.length.toLocaleString("en-US")} of ${this.#rows.length.toLocaleString("en-US")} found`;
    this.#grid.setAttribute("aria-rowcount", String(lines.length + 1));
    const isFirst = this.#list.lines.length === 0;
    this.#list.show(lines);
    const { selected } = this.#choices.value;
    if (isFirst && selected !== undefined) this.#list.select(selected);
  }

  #drawTitles(): void {
    const { sort, group } = this.#choices.value;
    const columns = this.#columns;
    const drawn = JSON.stringify([columns, sort, group]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#titles.replaceChildren(
      ...columns.map((column) => {
        const cell = element("div", { class: "title", role: "columnheader" });
        const button = element("button", { type: "button", class: "sort", title: `Sort by ${TITLES[column]}` }, cell);
        button.textContent = TITLES[column];
        if (sort?.column === column) {
          cell.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
          element("span", { class: "arrow", "aria-hidden": "true" }, button).textContent = sort.descending ? "▼" : "▲";
        }
        button.addEventListener("click", () => this.#sort(column));
        const edge = element("div", { class: "edge", "aria-hidden": "true" }, cell);
        edge.addEventListener("pointerdown", (event) => this.#resize(event, column, cell, edge));
        return cell;
      }),
    );
    this.#group.replaceChildren(
      ...[undefined, ...columns].map((column) => {
        const option = element("option", { value: column ?? "" });
        option.textContent = column === undefined ? "Nothing" : TITLES[column];
        option.selected = column === group;
        return option;
      }),
    );
    this.#setWidths();
  }

  #setWidths(): void {
    const { widths } = this.#choices.value;
    const template = this.#columns.map((column) => {
      const width = widths[column];
      return width === undefined ? `minmax(${LEAST}px, ${SHARES[column]}fr)` : `${width}px`;
    });
    this.#grid.style.setProperty("--columns", template.join(" "));
  }

  /** Up, then down, then as the program has them. */
  #sort(column: Column): void {
    const { sort } = this.#choices.value;
    const next =
      sort?.column !== column
        ? { column, descending: false }
        : sort.descending
          ? undefined
          : { column, descending: true };
    this.#choices.change({ sort: next });
    this.#drawTitles();
    this.#arrange();
    this.#titles.querySelectorAll("button")[this.#columns.indexOf(column)]?.focus();
  }

  #resize(event: PointerEvent, column: Column, cell: HTMLElement, edge: HTMLElement): void {
    const start = cell.offsetWidth - event.clientX;
    edge.setPointerCapture(event.pointerId);
    edge.onpointermove = ({ clientX }) => {
      const width = Math.max(Math.round(start + clientX), LEAST);
      this.#choices.change({ widths: { ...this.#choices.value.widths, [column]: width } });
      this.#setWidths();
    };
    edge.onpointerup = () => {
      edge.onpointermove = null;
    };
    event.preventDefault();
  }

  #draw(line: Line, into: HTMLElement): void {
    if (line.kind === "group") {
      into.classList.add("group");
      const cell = element("div", { role: "gridcell", class: "wide" }, into);
      element("span", { class: "twistie", "aria-hidden": "true" }, cell).textContent = line.isOpen ? "▾" : "▸";
      element("span", {}, cell).textContent = line.text === "" ? "(nothing)" : line.text;
      element("span", { class: "dim" }, cell).textContent = ` ${line.count.toLocaleString("en-US")}`;
      return;
    }
    const { row } = line;
    if (row.tone) into.classList.add(row.tone);
    for (const column of this.#columns) {
      const text = cellOf(row, column);
      const title = column === "file" ? (this.#paths.get(row) ?? text) : text;
      const cell = element("div", { role: "gridcell", class: `cell ${column}`, title }, into);
      if (column === "name" && row.news) {
        const words = row.news === "new" ? "New since the last stop" : "Has gone on since the last stop";
        const mark = element("span", { class: "news", title: words, "aria-label": `${words}: `, role: "img" }, cell);
        mark.textContent = row.news === "new" ? "+" : "~";
      }
      if (column === "holder" && row.holders) {
        const link = element("span", { class: "link", title: `Go to ${text} (Shift+Alt+H)` }, cell);
        link.textContent = text;
      } else cell.append(text);
    }
  }

  #toggle(line: Line): void {
    if (line.kind !== "group") return;
    if (line.isOpen) this.#closed.add(line.key);
    else this.#closed.delete(line.key);
    this.#arrange();
    this.#list.select(line.key);
  }

  /** A click on a holder leads to it, not to the line that it stands in. */
  #follow(event: MouseEvent): void {
    if (!(event.target instanceof Element) || event.target.closest(".link") === null) return;
    const line = this.#list.lineOf(event.target);
    if (line?.kind !== "task") return;
    event.preventDefault();
    this.#goToHolder(line);
  }

  #goToHolder({ row }: TaskLine): void {
    const holder = this.#byKey.get(row.holders?.[0] ?? "");
    if (!holder) return;
    const { group } = this.#choices.value;
    if (group !== undefined && this.#closed.delete(groupKey(group, cellOf(holder, group)))) this.#arrange();
    if (!this.#list.select(holder.key)) {
      this.#clearSearch();
      this.#list.select(holder.key);
    }
    this.#grid.focus();
    send({ type: "goTo", key: holder.key });
  }

  #clearSearch(): void {
    this.#search.value = "";
    this.#choices.change({ search: "" });
    this.#arrange();
  }

  /** Keys that hold wherever the keyboard is on the page. */
  key(event: KeyboardEvent): void {
    const isSearch = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f";
    if (isSearch) {
      this.#search.select();
      event.preventDefault();
    } else if (event.shiftKey && event.altKey && event.code === "KeyH") {
      const line = this.#list.selected;
      if (line?.kind === "task") this.#goToHolder(line);
      event.preventDefault();
    }
  }
}
