/** A list of any length, of which only the lines that are seen exist as elements. */

import { beforeDrawing, element } from "./page";

/** Height (px) of a line; as in the style sheet. */
export const LINE = 22;
/** Lines beyond the edges that exist, too. */
const BEYOND = 8;

export interface ListOptions<T extends { readonly key: string }> {
  /** What can be scrolled and has the keyboard. */
  readonly host: HTMLElement;
  /** Where the lines go, inside of the host. */
  readonly body: HTMLElement;
  /** Height (px) of what stands above the lines and does not scroll away. */
  readonly above: number;
  /** The role of a line, such as "row". */
  readonly role: string;
  /** Fill the element of a line, and say what it is for those who do not see it. */
  draw(line: T, into: HTMLElement): void;
  /** Whether what is below the line is shown; undefined if nothing can be. */
  isOpen(line: T): boolean | undefined;
  /** How far it stands below others, from 1. */
  level(line: T): number;
  /** Another line has been selected. */
  selected(key: string): void;
  toggle(line: T): void;
  /** The user wants to go where the line leads. */
  go(line: T): void;
}

export class List<T extends { readonly key: string }> {
  #lines: readonly T[] = [];
  #indexes = new Map<string, number>();
  #selected: string | undefined;
  #current: string | undefined;
  readonly #drawn = new Map<string, HTMLElement>();
  readonly #draw = beforeDrawing(() => this.#drawNow());
  #ids = 0;

  constructor(private readonly options: ListOptions<T>) {
    const { host } = options;
    host.tabIndex = 0;
    host.addEventListener("scroll", this.#draw, { passive: true });
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("focus", () => {
      if (this.#index < 0 && this.#lines.length > 0) this.#move(0);
    });
    new ResizeObserver(this.#draw).observe(host);
    options.body.addEventListener("click", (event) => {
      const line = this.lineOf(event.target);
      if (!line || event.defaultPrevented) return;
      this.select(line.key);
      if (options.isOpen(line) === undefined) options.go(line);
      else options.toggle(line);
    });
  }

  get lines(): readonly T[] {
    return this.#lines;
  }

  get selected(): T | undefined {
    return this.#lines[this.#index];
  }

  /** Mark a line as the one that is shown elsewhere, too. */
  set current(key: string | undefined) {
    this.#current = key;
    this.#drawNow();
  }

  /** Show other lines; the selection stays with its key. */
  show(lines: readonly T[]): void {
    this.#lines = lines;
    this.#indexes = new Map(lines.map(({ key }, index) => [key, index]));
    for (const drawn of this.#drawn.values()) drawn.remove();
    this.#drawn.clear();
    this.options.body.style.height = `${lines.length * LINE}px`;
    this.#drawNow();
  }

  /** Select a line and have it seen; returns whether there is such a line. */
  select(key: string): boolean {
    const index = this.#indexes.get(key);
    if (index !== undefined) this.#move(index);
    return index !== undefined;
  }

  /** The line that an element belongs to. */
  lineOf(target: EventTarget | null): T | undefined {
    const drawn = target instanceof Element ? target.closest<HTMLElement>("[data-key]") : null;
    return this.#lines[this.#indexes.get(drawn?.dataset["key"] ?? "") ?? -1];
  }

  get #index(): number {
    return this.#selected === undefined ? -1 : (this.#indexes.get(this.#selected) ?? -1);
  }

  #move(to: number): void {
    const index = Math.min(Math.max(to, 0), this.#lines.length - 1);
    this.#selected = this.#lines[index]?.key;
    if (this.#selected !== undefined) this.options.selected(this.#selected);
    const { host, above } = this.options;
    const room = host.clientHeight - above;
    if (index * LINE < host.scrollTop) host.scrollTop = index * LINE;
    else if ((index + 1) * LINE > host.scrollTop + room) host.scrollTop = (index + 1) * LINE - room;
    this.#drawNow();
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== this.options.host) return;
    const index = this.#index;
    const page = Math.max(Math.floor(this.options.host.clientHeight / LINE) - 2, 1);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page }[event.key];
    const line = this.#lines[index];
    if (to !== undefined) this.#move(to);
    else if (event.key === "Home") this.#move(0);
    else if (event.key === "End") this.#move(this.#lines.length - 1);
    else if (event.key === "Enter" && line) this.options.go(line);
    else if (event.key === " " && line) {
      if (this.options.isOpen(line) === undefined) this.options.go(line);
      else this.options.toggle(line);
    } else if (event.key === "ArrowLeft" && line) this.#outwards(line, index);
    else if (event.key === "ArrowRight" && line) {
      if (this.options.isOpen(line) === false) this.options.toggle(line);
      else if (this.options.isOpen(line) === true) this.#move(index + 1);
    } else return;
    event.preventDefault();
  }

  /** Close a line, or go to the one that it stands below. */
  #outwards(line: T, index: number): void {
    const { options } = this;
    if (options.isOpen(line) === true) {
      options.toggle(line);
      return;
    }
    for (let above = index - 1; above >= 0; above--) {
      const candidate = this.#lines[above];
      if (candidate && options.level(candidate) < options.level(line)) {
        this.#move(above);
        return;
      }
    }
  }

  #drawNow(): void {
    const { host, body, above } = this.options;
    const first = Math.max(Math.floor(host.scrollTop / LINE) - BEYOND, 0);
    const last = Math.ceil((host.scrollTop + host.clientHeight - above) / LINE) + BEYOND;
    const seen = this.#lines.slice(first, last);
    const keys = new Set(seen.map(({ key }) => key));
    for (const [key, drawn] of this.#drawn) {
      if (keys.has(key)) continue;
      drawn.remove();
      this.#drawn.delete(key);
    }
    seen.forEach((line, offset) => {
      let drawn = this.#drawn.get(line.key);
      if (!drawn) {
        drawn = this.#make(line, first + offset);
        this.#drawn.set(line.key, drawn);
        body.append(drawn);
      }
      drawn.setAttribute("aria-selected", String(line.key === this.#selected));
      if (line.key === this.#current) drawn.setAttribute("aria-current", "true");
      else drawn.removeAttribute("aria-current");
    });
    const active = this.#selected === undefined ? undefined : this.#drawn.get(this.#selected);
    if (active) host.setAttribute("aria-activedescendant", active.id);
    else host.removeAttribute("aria-activedescendant");
  }

  #make(line: T, index: number): HTMLElement {
    const { options } = this;
    const { role } = options;
    const level = String(options.level(line));
    const made = element("div", { role, class: "line", id: `line-${++this.#ids}`, "aria-level": level });
    made.dataset["key"] = line.key;
    made.style.top = `${index * LINE}px`;
    if (role === "row") made.setAttribute("aria-rowindex", String(index + 2)); // the first one has the titles
    const open = options.isOpen(line);
    if (open !== undefined) made.setAttribute("aria-expanded", String(open));
    options.draw(line, made);
    return made;
  }
}
