/** The page of the panel "Async Tasks". */

import type { State, ToPage, View } from "../messages";
import { Choices, element, send } from "./page";
import { StacksView } from "./stacks";
import { Table } from "./table";

const choices = new Choices<{ view: View }>("main", { view: "table" });
const views = { table: new Table(), stacks: new StacksView(ready) };
const TITLES: Readonly<Record<View, string>> = { table: "Table", stacks: "Parallel Stacks" };
const bar = element("div", { class: "bar" });
const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "What to show" }, bar);
const buttons = new Map<View, HTMLButtonElement>();
for (const view of ["table", "stacks"] as const) {
  const button = element("button", { type: "button", class: "tab", role: "tab", id: `tab-${view}` }, tabs);
  button.textContent = TITLES[view];
  button.addEventListener("click", () => show(view));
  button.addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = view === "table" ? "stacks" : "table";
    show(other);
    buttons.get(other)?.focus();
  });
  buttons.set(view, button);
  const { root, tools } = views[view];
  root.setAttribute("role", "tabpanel");
  root.setAttribute("aria-labelledby", `tab-${view}`);
  bar.append(tools);
}
const summary = element("span", { class: "summary" }, bar);
const note = element("span", { class: "note", role: "status" }, bar);
const empty = element("div", { class: "empty" });
const words = element("p", {}, empty);
const look = element("button", { type: "button" }, empty);
look.textContent = "Show Without Pausing";
look.addEventListener("click", () => send({ type: "showRunning" }));
document.body.append(bar, views.table.root, views.stacks.root, empty);
window.addEventListener("keydown", (event) => views[choices.value.view].key(event));

let isShown = false;

/** Ask for what is to be shown. */
function ready(): void {
  send({ type: "ready", view: choices.value.view, isFolded: views.stacks.isFolded });
}

function show(view: View): void {
  choices.change({ view });
  arrange();
  ready();
}

function arrange(): void {
  bar.hidden = !isShown;
  empty.hidden = isShown;
  for (const view of ["table", "stacks"] as const) {
    const isIt = choices.value.view === view;
    views[view].root.hidden = !isShown || !isIt;
    views[view].tools.hidden = !isIt;
    buttons.get(view)?.setAttribute("aria-selected", String(isIt));
    buttons.get(view)?.setAttribute("tabindex", isIt ? "0" : "-1");
  }
}

function update(state: State): void {
  isShown = state.state === "shown";
  summary.textContent = state.summary;
  note.textContent = state.note;
  look.hidden = state.state !== "running";
  words.textContent =
    state.state === "running"
      ? "The program is running. Its tasks appear here when it stops."
      : "Every task, coroutine and thread of a Python program appears here when it stops in the debugger.";
  arrange();
  views.table.update(state);
  views.stacks.update(state);
}

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  switch (data.type) {
    case "state":
      update(data);
      break;
    case "rows":
      views.table.receive(data);
      break;
    case "stacks":
      views.stacks.receive(data);
      break;
    case "show":
      if (data.view !== choices.value.view) show(data.view);
      break;
    case "followed":
      // The editor gives the keyboard to the frame around this page, where it would stay.
      window.focus();
      views[choices.value.view].followed(data.key);
      break;
  }
});
arrange();
ready();
