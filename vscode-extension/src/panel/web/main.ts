/** The page of the panel "Async Tasks". */

import type { State, ToPage } from "../messages";
import { element, send } from "./page";
import { Table } from "./table";

const table = new Table();
const bar = element("div", { class: "bar" });
bar.append(table.tools);
const summary = element("span", { class: "summary" }, bar);
const note = element("span", { class: "note", role: "status" }, bar);
const empty = element("div", { class: "empty" });
const words = element("p", {}, empty);
const look = element("button", { type: "button" }, empty);
look.textContent = "Show Without Pausing";
look.addEventListener("click", () => send({ type: "showRunning" }));
window.addEventListener("keydown", (event) => table.key(event));
document.body.append(bar, table.root, empty);

function update(state: State): void {
  const isShown = state.state === "shown";
  summary.textContent = state.summary;
  note.textContent = state.note;
  bar.hidden = !isShown;
  table.root.hidden = !isShown;
  empty.hidden = isShown;
  look.hidden = state.state !== "running";
  words.textContent =
    state.state === "running"
      ? "The program is running. Its tasks appear here when it stops."
      : "Every task, coroutine and thread of a Python program appears here when it stops in the debugger.";
  table.update(state);
}

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  switch (data.type) {
    case "state":
      update(data);
      break;
    case "rows":
      table.receive(data);
      break;
    case "followed":
      table.followed(data.key);
      break;
  }
});
send({ type: "ready" });
