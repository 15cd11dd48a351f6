/** The merged stacks, drawn. */

import {
  branchOf,
  curve,
  cut,
  drawingOf,
  frameText,
  head,
  nextBox,
  PADDING,
  ROW,
  type Drawing,
  type PlacedBox,
} from "../layout";
import { innermost, type StackBox, type Stacks } from "../messages";
import { Camera } from "./camera";
import { element, shape } from "./page";

export class Graph {
  readonly root = element("div", { class: "graph" });
  readonly camera: Camera;
  readonly #canvas: SVGSVGElement;
  readonly #world: SVGGElement;
  #stacks: Stacks = { type: "stacks", boxes: [], edges: [], note: "" };
  #drawing: Drawing = { boxes: [], lines: [], width: 0, height: 0 };
  readonly #drawn = new Map<string, SVGGElement>();
  #selected: string | undefined;
  #current: string | undefined;
  #hits: ReadonlySet<string> | undefined;

  /** @param go is called when the user wants to go where a frame of a box stands */
  constructor(private readonly go: (box: StackBox, index: number) => void) {
    this.#canvas = shape(
      "svg",
      {
        class: "canvas",
        tabindex: 0,
        role: "application",
        "aria-label": "Parallel stacks, drawn. Arrow keys go from box to box; the outline has the same as a tree.",
      },
      this.root,
    );
    this.#world = shape("g", { class: "world" }, this.#canvas);
    this.camera = new Camera(this.#canvas, this.#world);
    this.root.append(this.camera.eye);
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("click", (event) => this.#click(event));
  }

  focus(): void {
    this.#canvas.focus();
  }

  /** The picture in which the program has stopped somewhere. */
  show(stacks: Stacks): void {
    this.#stacks = stacks;
    const context = document.createElement("canvas").getContext("2d");
    if (context) context.font = getComputedStyle(this.#canvas).font;
    this.#drawing = drawingOf(stacks, (context?.measureText("m".repeat(20)).width ?? 140) / 20);
    this.#world.replaceChildren();
    this.#drawn.clear();
    for (const { from, to, kind, isBad, points, label, labelAt } of this.#drawing.lines) {
      const line = shape(
        "g",
        { class: `edge ${kind}${isBad ? " bad" : ""}`, "data-from": from, "data-to": to },
        this.#world,
      );
      shape("path", { class: "line", d: curve(points) }, line);
      shape("path", { class: "head", d: head(points) }, line);
      if (label !== "") shape("title", {}, line).textContent = label;
      if (labelAt) shape("text", { x: labelAt.x, y: labelAt.y + 4, "text-anchor": "middle" }, line).textContent = label;
    }
    for (const placed of this.#drawing.boxes) this.#drawBox(placed);
    this.camera.drawing = this.#drawing;
    if (this.#selected !== undefined && !this.#drawn.has(this.#selected)) this.#selected = undefined;
    this.#mark();
  }

  /** Highlight what was found; undefined if nothing is searched. */
  set hits(hits: ReadonlySet<string> | undefined) {
    this.#hits = hits;
    this.#mark();
  }

  /** What the debugger's views show. */
  set current(id: string | undefined) {
    this.#current = id;
    this.#mark();
  }

  select(id: string): void {
    const placed = this.#drawing.boxes.find(({ box }) => box.id === id);
    if (!placed) return;
    this.#selected = id;
    this.#mark();
    this.camera.reveal(placed);
  }

  /** Go to the next of those that were found. */
  nextHit(): void {
    const hits = this.#drawing.boxes.filter(({ box }) => this.#hits?.has(box.id) === true);
    const before = hits.findIndex(({ box }) => box.id === this.#selected);
    const next = hits[(before + 1) % hits.length];
    if (next) this.select(next.box.id);
  }

  /** A picture of all of it by itself, in the colours that it has now. */
  svg(): string {
    const { width, height } = this.#drawing;
    const copy = shape("svg", {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
    });
    const background = getComputedStyle(document.body).getPropertyValue("--vscode-panel-background").trim();
    shape("rect", { width, height, fill: background === "" ? "none" : background }, copy);
    copy.append(this.#world.cloneNode(true));
    copy.lastElementChild?.removeAttribute("transform");
    const originals = [this.#world, ...this.#world.querySelectorAll("*")];
    const copies = [copy.lastElementChild, ...(copy.lastElementChild?.querySelectorAll("*") ?? [])];
    originals.forEach((original, index) => {
      const made = copies[index];
      if (!made) return;
      for (const { name } of [...made.attributes]) if (!GEOMETRY.has(name)) made.removeAttribute(name);
      const style = getComputedStyle(original);
      for (const name of LOOKS) made.setAttribute(name, style.getPropertyValue(name));
    });
    return new XMLSerializer().serializeToString(copy);
  }

  #drawBox({ box, x, y, width, height }: PlacedBox): void {
    const group = shape(
      "g",
      {
        class: `box ${box.tone ?? ""}${box.isCurrent ? " here" : ""}`,
        id: `box-${box.id}`,
        "data-id": box.id,
        role: "img",
        "aria-label": spoken(box),
        transform: `translate(${x} ${y})`,
      },
      this.#world,
    );
    shape("rect", { class: "halo", x: -4, y: -4, width: width + 8, height: height + 8, rx: 5 }, group);
    shape("rect", { class: "frame", width, height, rx: 3 }, group);
    let row = 1;
    const add = (text: string, kind: string, title: string, index?: number): void => {
      const made = shape("text", { class: kind, x: PADDING, y: row * ROW - 2 }, group);
      made.textContent = text;
      if (index !== undefined) made.setAttribute("data-index", String(index));
      shape("title", {}, made).textContent = title;
      row += 1;
    };
    add(
      cut(box.title),
      "title",
      [box.title, ...box.members.map(({ name, detail }) => `${name}: ${detail}`)].join("\n"),
    );
    box.frames.forEach((frame, index) => {
      const title = frame.folded?.join("\n") ?? `${frame.name}\n${frame.path ?? ""} ${frame.place}`;
      add(frameText(frame), frame.isLibrary ? "call library" : "call", title, index);
    });
    if (box.detail !== "") add(cut(box.detail), "detail", box.detail);
    this.#drawn.set(box.id, group);
  }

  #mark(): void {
    const branch = branchOf(this.#stacks, this.#selected);
    for (const [id, group] of this.#drawn) {
      group.classList.toggle("selected", id === this.#selected);
      group.classList.toggle("shown", id === this.#current);
      group.classList.toggle("branch", branch.has(id));
      group.classList.toggle("miss", this.#hits !== undefined && !this.#hits.has(id));
      group.classList.toggle("hit", this.#hits?.has(id) === true);
    }
    for (const line of this.#world.querySelectorAll<SVGGElement>(".edge")) {
      const { from = "", to = "" } = line.dataset;
      const isPart = line.classList.contains("calls") || this.#selected === undefined;
      const touches = isPart ? branch.has(from) && branch.has(to) : branch.has(from) || branch.has(to);
      line.classList.toggle("branch", touches);
    }
    if (this.#selected === undefined) this.#canvas.removeAttribute("aria-activedescendant");
    else this.#canvas.setAttribute("aria-activedescendant", `box-${this.#selected}`);
  }

  #click({ target }: MouseEvent): void {
    const group = target instanceof Element ? target.closest<SVGGElement>(".box") : null;
    const id = group?.dataset["id"];
    const box = this.#stacks.boxes.find((each) => each.id === id);
    if (!box) return;
    this.select(box.id);
    const index = (target as Element).closest<SVGElement>("[data-index]")?.dataset["index"];
    this.go(box, index === undefined ? innermost(box) : Number(index));
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { boxes } = this.#drawing;
    const placed = boxes.find(({ box }) => box.id === this.#selected);
    const direction = ({ ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" } as const)[
      event.key
    ];
    if (direction) {
      const start = boxes.find(({ box }) => box.isCurrent) ?? boxes[0];
      const next = placed ? nextBox(boxes, placed, direction) : start;
      if (next) this.select(next.box.id);
    } else if (event.key === "Enter" && placed) this.go(placed.box, innermost(placed.box));
    else if (event.key === "+" || event.key === "=") this.camera.zoom(1.25);
    else if (event.key === "-") this.camera.zoom(0.8);
    else if (event.key === "0") this.camera.fit();
    else if (event.key === "n") this.nextHit();
    else return;
    event.preventDefault();
  }
}

/** What a picture needs of each element: where it is, and what it looks like. */
const GEOMETRY = new Set(["x", "y", "width", "height", "rx", "d", "transform", "text-anchor"]);
const LOOKS = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "paint-order",
  "font-family",
  "font-size",
  "font-weight",
  "opacity",
];

function spoken(box: StackBox): string {
  const frames = box.frames.map(({ name, place }) => `${name} ${place}`.trim());
  const here = box.isCurrent ? "stopped here" : "";
  return [box.title, here, box.detail, ...frames].filter((text) => text !== "").join(", ");
}
