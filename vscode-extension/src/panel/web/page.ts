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

  constructor(initial: T) {
    this.value = { ...initial, ...(api.getState() as Partial<T> | undefined) };
  }

  change(part: Partial<T>): void {
    this.value = { ...this.value, ...part };
    api.setState(this.value);
  }
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
