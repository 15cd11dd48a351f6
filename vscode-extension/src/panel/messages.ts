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

/** A frame that the stacks of a box have in common. */
export interface StackFrame {
  readonly name: string;
  /** Such as "client.py:42"; empty if it has none. */
  readonly place: string;
  readonly path?: string;
  readonly isLibrary: boolean;
  /** Names of the frames that it stands for, if it is several that are folded. */
  readonly folded?: readonly string[];
}

export interface StackMember {
  readonly key: string;
  readonly name: string;
  readonly detail: string;
}

/** Frames that several stacks have in common, or that one ends with. */
export interface StackBox {
  /** Unique, and the same at the next stop. */
  readonly id: string;
  /** The box with the frames before. */
  readonly parent?: string;
  /** How many stacks it is, or whose. */
  readonly title: string;
  /** What those that end here do. */
  readonly detail: string;
  /** Outermost first. */
  readonly frames: readonly StackFrame[];
  /** Whether something is wrong with those that end here. */
  readonly tone?: "error" | "warning";
  /** Whether the program has stopped here. */
  readonly isCurrent: boolean;
  /** Those that end here: the first ones, and how many more. */
  readonly members: readonly StackMember[];
  readonly moreMembers: number;
}

/** Where a box leads: its innermost frame that is not folded. */
export function innermost({ frames }: StackBox): number {
  return frames.map(({ folded }) => folded === undefined).lastIndexOf(true);
}

/** `awaits`: for its end. `holder`: for what it holds. `runs`: what a thread goes on in. */
export type EdgeKind = "awaits" | "holder" | "runs";

/** Between boxes where the activities end. */
export interface StackEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  /** How many waits it stands for. */
  readonly count: number;
  /** Whether it is part of a circle in which nothing can go on. */
  readonly isBad: boolean;
}

/** All stacks, merged. */
export interface Stacks {
  readonly type: "stacks";
  readonly boxes: readonly StackBox[];
  readonly edges: readonly StackEdge[];
  /** What is missing. */
  readonly note: string;
}

export type View = "table" | "stacks";

/** Show this of the two. */
export interface ShowView {
  readonly type: "show";
  readonly view: View;
}

/** The debugger's views show this one now, and the page is to have the keyboard again. */
export interface Followed {
  readonly type: "followed";
  readonly key: string;
}

export type ToPage = State | Rows | Stacks | Followed | ShowView;

/** What the page asks for. */
export type FromPage =
  /** It can be sent something: it has been opened, or shown again, or shows something else now. */
  | { readonly type: "ready"; readonly view: View; readonly isFolded: boolean }
  /** Show where an activity stands, in the editor and in the debugger's views. */
  | { readonly type: "goTo"; readonly key: string }
  /** Show a frame of a box, the same way. */
  | { readonly type: "goToFrame"; readonly box: string; readonly index: number }
  /** Keep a picture. */
  | { readonly type: "save"; readonly svg: string }
  /** Look at the programs that run. */
  | { readonly type: "showRunning" };
