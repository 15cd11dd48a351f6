/** Parallel stacks: drawn, or as an outline, with what both have in common. */

import { hitsOf } from "../layout";
import type { StackBox, Stacks, State } from "../messages";
import { boxKey, outlineOf, type OutlineLine } from "../outline";
import { Graph } from "./graph";
import { List } from "./list";
import { Choices, element, send } from "./page";

interface Chosen {
  search: string;
  /** Whether frames of libraries are folded. */
  isFolded: boolean;
  isOutline: boolean;
}

export class StacksView {
  readonly root = element("div", { class: "stacks" });
  readonly tools = element("div", { class: "tools" });
  readonly #choices = new Choices<Chosen>("stacks", { search: "", isFolded: true, isOutline: false });
  readonly #search: HTMLInputElement;
  readonly #count: HTMLElement;
  /** What can be done with a drawing only. */
  readonly #drawing: HTMLElement;
  readonly #graph: Graph;
  readonly #outline: HTMLElement;
  readonly #list: List<OutlineLine>;
  readonly #closed = new Set<string>();
  #stacks: Stacks = { type: "stacks", boxes: [], edges: [], note: "" };

  constructor(private readonly changed: () => void) {
    this.#search = element(
      "input",
      { type: "search", placeholder: "Search", "aria-label": "Search all boxes", class: "search" },
      this.tools,
    );
    this.#search.value = this.#choices.value.search;
    this.#search.addEventListener("input", () => {
      this.#choices.change({ search: this.#search.value });
      this.#find();
    });
    this.#search.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") this.#graph.nextHit();
      else if (key === "ArrowDown") this.focus();
      else if (key === "Escape") {
        this.#search.value = "";
        this.#search.dispatchEvent(new Event("input"));
      }
    });
    this.#count = element("span", { class: "count", role: "status" }, this.tools);
    this.#switch(
      "Library Frames",
      () => !this.#choices.value.isFolded,
      (isOn) => {
        this.#choices.change({ isFolded: !isOn });
        this.changed();
      },
    );
    this.#switch(
      "Outline",
      () => this.#choices.value.isOutline,
      (isOn) => {
        this.#choices.change({ isOutline: isOn });
        this.#show();
        this.focus();
      },
    );
    this.#graph = new Graph((box, index) => this.#go(box, index));
    const { camera } = this.#graph;
    this.#drawing = element("span", { class: "tools" }, this.tools);
    this.#button("−", "Zoom Out (-)", () => camera.zoom(0.8));
    this.#button("+", "Zoom In (+)", () => camera.zoom(1.25));
    this.#button("Fit", "Show All (0)", () => camera.fit());
    this.#button("Save as SVG...", "Save the whole picture as a file", () => {
      send({ type: "save", svg: this.#graph.svg() });
    });
    this.#outline = element("div", { class: "grid outline", role: "tree", "aria-label": "Parallel stacks" });
    const body = element("div", { class: "lines", role: "none" }, this.#outline);
    this.#list = new List<OutlineLine>({
      host: this.#outline,
      body,
      above: 0,
      role: "treeitem",
      draw: (line, into) => drawLine(line, into),
      isOpen: ({ isOpen }) => isOpen,
      level: ({ level }) => level,
      selected: () => {
        const line = this.#list.selected;
        if (line) this.#graph.select(line.box);
      },
      toggle: (line) => {
        if (!this.#closed.delete(line.key)) this.#closed.add(line.key);
        this.#find();
        this.#list.select(line.key);
      },
      go: (line) => this.#follow(line),
    });
    this.root.append(this.#graph.root, this.#outline);
    this.#show();
  }

  get isFolded(): boolean {
    return this.#choices.value.isFolded;
  }

  receive(stacks: Stacks): void {
    this.#stacks = stacks;
    this.#graph.show(stacks);
    this.#find();
  }

  update({ current }: State): void {
    this.#mark(current);
  }

  followed(key: string): void {
    this.#mark(key);
    this.focus();
  }

  #mark(current: string | undefined): void {
    this.#graph.current = current;
    this.#list.current = current === undefined ? undefined : boxKey(current);
  }

  focus(): void {
    if (this.#choices.value.isOutline) this.#outline.focus();
    else this.#graph.focus();
  }

  key(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "f") return;
    this.#search.select();
    event.preventDefault();
  }

  #show(): void {
    const { isOutline } = this.#choices.value;
    this.#graph.root.hidden = isOutline;
    this.#outline.hidden = !isOutline;
    this.#drawing.hidden = isOutline;
  }

  #find(): void {
    const hits = hitsOf(this.#stacks, this.#choices.value.search);
    this.#count.textContent = hits ? `${hits.size} of ${this.#stacks.boxes.length} found` : "";
    this.#graph.hits = hits;
    this.#list.show(outlineOf(this.#stacks, this.#closed, hits));
  }

  #go(box: StackBox, index: number): void {
    if (box.frames[index]?.folded === undefined) send({ type: "goToFrame", box: box.id, index });
  }

  #follow({ box: id, leadsTo }: OutlineLine): void {
    const box = this.#stacks.boxes.find((each) => each.id === id);
    switch (leadsTo?.kind) {
      case "frame":
        if (box) this.#go(box, leadsTo.index);
        break;
      case "member":
        send({ type: "goTo", key: leadsTo.key });
        break;
      case "box":
        this.#list.select(boxKey(leadsTo.box));
        break;
      case undefined:
        break;
    }
  }

  #button(text: string, title: string, act: () => void): void {
    const button = element("button", { type: "button", class: "quiet", title, "aria-label": title }, this.#drawing);
    button.textContent = text;
    button.addEventListener("click", act);
  }

  #switch(text: string, isOn: () => boolean, change: (isOn: boolean) => void): void {
    const button = element("button", { type: "button", class: "quiet", "aria-pressed": String(isOn()) }, this.tools);
    button.textContent = text;
    button.addEventListener("click", () => {
      const next = !isOn();
      button.setAttribute("aria-pressed", String(next));
      change(next);
    });
  }
}

function drawLine({ text, detail, level, tone, isOpen, position, size }: OutlineLine, into: HTMLElement): void {
  if (tone) into.classList.add(tone);
  into.setAttribute("aria-posinset", String(position));
  into.setAttribute("aria-setsize", String(size));
  const cell = element("div", { class: "item", title: detail === "" ? text : `${text} ${detail}` }, into);
  cell.style.paddingLeft = `${level * 14 - 4}px`;
  const twistie = element("span", { class: "twistie", "aria-hidden": "true" }, cell);
  twistie.textContent = isOpen === undefined ? "" : isOpen ? "▾" : "▸";
  element("span", isOpen === undefined ? {} : { class: "strong" }, cell).textContent = text;
  if (detail !== "") element("span", { class: "dim state" }, cell).textContent = ` ${detail}`;
}
