/** Small helpers for elements of the page, and the way to the extension. */

import type { FromPage } from "../messages";

interface Api {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): Api;

const api = acquireVsCodeApi();

export function send(message: FromPage): void {
  api.postMessage(message);
}

/** What the user has chosen: it outlives the page, which is gone while it is hidden. */
export class Choices<T extends object> {
  value: T;

  /** @param name tells the choices of one part of the page from those of another */
  constructor(
    private readonly name: string,
    initial: T,
  ) {
    this.value = { ...initial, ...(stored()[name] as Partial<T> | undefined) };
  }

  change(part: Partial<T>): void {
    this.value = { ...this.value, ...part };
    api.setState({ ...stored(), [this.name]: this.value });
  }
}

function stored(): Record<string, unknown> {
  return (api.getState() as Record<string, unknown> | undefined) ?? {};
}

/** A new element with attributes, and in another one if that is given. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  parent?: Element,
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

/** The same for a part of a drawing. */
export function shape<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
  parent?: Element,
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  parent?.append(made);
  return made;
}

/** A function that does its work once, before the page is drawn next. */
export function beforeDrawing(work: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      work();
    });
  };
}
