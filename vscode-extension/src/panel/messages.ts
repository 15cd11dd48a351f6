/** What the panel's page and the extension say to each other. Both sides import it; it needs neither VS Code nor a page. */

/** The columns of the table, from left to right. `session` is shown only if there are several. */
export const COLUMNS = [
  "session",
  "name",
  "state",
  "wait",
  "holder",
  "function",
  "file",
  "framework",
  "group",
  "created",
] as const;

export type Column = (typeof COLUMNS)[number];

/** One activity in the table. */
export interface TaskRow {
  /** Unique, and the same at the next stop. */
  readonly key: string;
  /** In the order of `COLUMNS`. */
  readonly cells: readonly string[];
  /** Full path of its file, as an index into the paths that came with it. */
  readonly path?: number;
  /** Whether something is wrong with it: for certain, or perhaps. */
  readonly tone?: "error" | "warning";
  readonly news?: "new" | "moved";
  /** Keys of those that hold what it waits for. */
  readonly holders?: readonly string[];
}

/** What there is to see. */
export interface State {
  readonly type: "state";
  /** `running`: programs that one could look at. `none`: no program. */
  readonly state: "shown" | "running" | "none";
  /** Such as "10,001 tasks, 2 deadlocked". */
  readonly summary: string;
  /** What to say above: that the program runs, that not all is there yet, what has failed. */
  readonly note: string;
  readonly severalSessions: boolean;
  /** What the debugger's views show, if it was chosen here. */
  readonly current?: string;
}

/** A part of all rows; the last one makes them take the place of those before. */
export interface Rows {
  readonly type: "rows";
  /** Whether the parts before belong to another picture, and are void. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly rows: readonly TaskRow[];
  /** What `TaskRow.path` of these refers to. */
  readonly paths: readonly string[];
}

/** The debugger's views show this one now, and the page is to have the keyboard again. */
export interface Followed {
  readonly type: "followed";
  readonly key: string;
}

export type ToPage = State | Rows | Followed;

/** What the page asks for. */
export type FromPage =
  /** It can be sent something: it has been opened, or shown again. */
  | { readonly type: "ready" }
  /** Show where an activity stands, in the editor and in the debugger's views. */
  | { readonly type: "goTo"; readonly key: string }
  /** Look at the programs that run. */
  | { readonly type: "showRunning" };
