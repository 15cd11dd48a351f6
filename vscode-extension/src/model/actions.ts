/** What can be done with a row. */

import type { Row } from "./row";

/** Words for `when` clauses of menus, and what a click does. */
export function actionsOf(row: Row): { contextValue: string; command?: string } {
  switch (row.kind) {
    case "activity":
      return { contextValue: row.activity.info.top ? "stack source" : "stack" };
    case "group":
      return { contextValue: row.first.info.top ? "stack source" : "stack" };
    case "frame": {
      const inspectable = row.frame.frameId === undefined ? "" : " inspectable";
      return { contextValue: `stack source${inspectable}`, command: "asynctb.goTo" };
    }
    case "context":
      return { contextValue: "stack source", command: "asynctb.goTo" };
    case "session": {
      const words = ["session"];
      if (row.session.capture) words.push("copyable");
      if (!row.session.paused) words.push("running");
      return { contextValue: words.join(" ") };
    }
    case "loop":
    case "threadStack":
    case "hidden":
      return { contextValue: "stack" };
    case "error":
      return { contextValue: "retry", command: "asynctb.retry" };
    case "more":
      return { contextValue: "more", command: "asynctb.showMore" };
    case "object":
    case "note":
    case "finding":
      return { contextValue: row.kind };
  }
}
