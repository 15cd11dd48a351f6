/** What can be done with a row. */

import type { Activity, Capture } from "./capture";
import { DIRECTIONS, relatives } from "./relatives";
import type { Row } from "./row";

/** Words for `when` clauses of menus, and what a click does. */
export function actionsOf(row: Row): { contextValue: string; command?: string } {
  switch (row.kind) {
    case "activity":
      return { contextValue: `stack ${wordsOf(row.capture, row.activity)}`, command: "asynctb.goTo" };
    case "step":
      return {
        contextValue: `step ${row.activity ? wordsOf(row.capture, row.activity) : ""}`.trim(),
        command: "asynctb.goTo",
      };
    case "group":
      return { contextValue: row.first.info.top ? "stack source" : "stack", command: "asynctb.goTo" };
    case "frame":
      return { contextValue: "stack source", command: "asynctb.goTo" };
    case "context":
      return { contextValue: "stack source", command: "asynctb.goTo" };
    case "session": {
      const words = ["session"];
      if (row.session.capture) words.push("copyable");
      if (row.session.saved) words.push("saved");
      else if (row.session.capture && !row.session.capture.ended) words.push("savable");
      if (row.session.capture?.before) words.push("comparable");
      if (!row.session.paused && !row.session.saved) words.push("running");
      return { contextValue: words.join(" ") };
    }
    case "loop":
    case "bucket":
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

/** Words for where one can go from an activity. */
function wordsOf(capture: Capture, activity: Activity): string {
  const words = activity.info.top ? ["source"] : [];
  return [...words, ...DIRECTIONS.filter((direction) => relatives(capture, activity, direction).length > 0)].join(" ");
}
