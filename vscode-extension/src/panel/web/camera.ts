/** What part of a drawing is seen, and how large: moved by pointer, wheel and keys, with a small picture of the whole. */

import type { Drawing } from "../layout";
import { beforeDrawing, shape } from "./page";

/** How small and large a drawing can be shown, and how small it is shown so that all of it is seen. */
const LEAST = 0.1;
const MOST = 3;
const SMALLEST_FIT = 0.7;
/** Width and height (px) of the small picture. */
const EYE = { width: 150, height: 90 };

export class Camera {
  /** The small picture. */
  readonly eye: SVGSVGElement;
  readonly #seen: SVGRectElement;
  readonly #boxes: SVGGElement;
  #drawing: Drawing = { boxes: [], lines: [], width: 0, height: 0 };
  #x = 0;
  #y = 0;
  #scale = 1;
  /** Whether the user has chosen what is seen. */
  #isChosen = false;
  readonly #apply = beforeDrawing(() => this.#applyNow());

  constructor(
    private readonly canvas: SVGSVGElement,
    private readonly world: SVGGElement,
  ) {
    this.eye = shape("svg", { class: "eye", "aria-hidden": "true", width: EYE.width, height: EYE.height });
    this.#boxes = shape("g", {}, this.eye);
    this.#seen = shape("rect", { class: "seen" }, this.eye);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#drag(event));
    this.eye.addEventListener("pointerdown", (event) => {
      this.eye.setPointerCapture(event.pointerId);
      this.#look(event);
      event.preventDefault();
    });
    this.eye.addEventListener("pointermove", (event) => {
      if (event.buttons > 0) this.#look(event);
    });
    new ResizeObserver(() => {
      if (this.#isChosen) this.#apply();
      else this.fit();
    }).observe(canvas);
  }

  /** There is another drawing. */
  set drawing(drawing: Drawing) {
    this.#drawing = drawing;
    const scale = this.#eyeScale;
    this.#boxes.replaceChildren(
      ...drawing.boxes.map(({ box, x, y, width, height }) =>
        shape("rect", {
          class: `small ${box.tone ?? ""}`,
          x: x * scale,
          y: y * scale,
          width: Math.max(width * scale, 1),
          height: Math.max(height * scale, 1),
        }),
      ),
    );
    if (this.#isChosen) this.#apply();
    else this.fit();
  }

  /** Show all of it, or as much as can be read. */
  fit(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const { width, height } = this.#drawing;
    if (width === 0 || clientWidth === 0) return;
    this.#scale = Math.min(Math.max(Math.min(clientWidth / width, clientHeight / height), SMALLEST_FIT), 1);
    this.#x = Math.max((clientWidth - width * this.#scale) / 2, 0);
    this.#y = Math.max((clientHeight - height * this.#scale) / 2, 0);
    // What matters most is seen even if not all can be.
    const { boxes } = this.#drawing;
    const first = boxes.find(({ box }) => box.tone === "error") ?? boxes.find(({ box }) => box.isCurrent);
    if (first && (width * this.#scale > clientWidth || height * this.#scale > clientHeight)) this.reveal(first);
    this.#isChosen = false;
    this.#apply();
  }

  /** Have a part seen, without moving more than needed. */
  reveal({ x, y, width, height }: { x: number; y: number; width: number; height: number }): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (clientWidth === 0) return;
    const moved = (offset: number, start: number, size: number, room: number): number => {
      const [first, last] = [start * this.#scale + offset, (start + size) * this.#scale + offset];
      if (first < 8 || last - first > room) return offset + 8 - first;
      return last > room - 8 ? offset + room - 8 - last : offset;
    };
    this.#x = moved(this.#x, x, width, clientWidth);
    this.#y = moved(this.#y, y, height, clientHeight);
    this.#isChosen = true;
    this.#apply();
  }

  zoom(factor: number, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2): void {
    const scale = Math.min(Math.max(this.#scale * factor, LEAST), MOST);
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#isChosen = true;
    this.#apply();
  }

  get #eyeScale(): number {
    const { width, height } = this.#drawing;
    return width === 0 ? 1 : Math.min(EYE.width / width, EYE.height / height);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      const { left, top } = this.canvas.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
      return;
    }
    this.#x -= event.shiftKey ? event.deltaY : event.deltaX;
    this.#y -= event.shiftKey ? 0 : event.deltaY;
    this.#isChosen = true;
    this.#apply();
  }

  #drag(start: PointerEvent): void {
    if (!(start.target instanceof Element) || start.target.closest(".box") !== null) return;
    const [x, y] = [this.#x - start.clientX, this.#y - start.clientY];
    this.canvas.setPointerCapture(start.pointerId);
    this.canvas.onpointermove = ({ clientX, clientY }) => {
      this.#x = x + clientX;
      this.#y = y + clientY;
      this.#isChosen = true;
      this.#apply();
    };
    this.canvas.onpointerup = this.canvas.onpointercancel = () => {
      this.canvas.onpointermove = null;
    };
  }

  /** Move to where the pointer is on the small picture. */
  #look({ clientX, clientY }: PointerEvent): void {
    const { left, top } = this.eye.getBoundingClientRect();
    const factor = this.#scale / this.#eyeScale;
    this.#x = this.canvas.clientWidth / 2 - (clientX - left) * factor;
    this.#y = this.canvas.clientHeight / 2 - (clientY - top) * factor;
    this.#isChosen = true;
    this.#apply();
  }

  #applyNow(): void {
    this.world.setAttribute("transform", `translate(${this.#x} ${this.#y}) scale(${this.#scale})`);
    const { clientWidth, clientHeight } = this.canvas;
    const { width, height } = this.#drawing;
    const isWhole =
      this.#x >= 0 &&
      this.#y >= 0 &&
      this.#x + width * this.#scale <= clientWidth + 1 &&
      this.#y + height * this.#scale <= clientHeight + 1;
    this.eye.toggleAttribute("hidden", isWhole);
    const factor = this.#eyeScale / this.#scale;
    const values = {
      x: -this.#x * factor,
      y: -this.#y * factor,
      width: clientWidth * factor,
      height: clientHeight * factor,
    };
    for (const [name, value] of Object.entries(values)) this.#seen.setAttribute(name, String(value));
  }
}
