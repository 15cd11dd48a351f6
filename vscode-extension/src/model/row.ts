/** What the rows of the tree are. */

import type { Context, FindingInfo, Frame, ObjectRef, SourceRef, StepInfo } from "../protocol";
import type { Activity, Capture } from "./capture";
import type { Session } from "./store";

interface Base {
  /** Unique, and the same for the same thing in the next picture of the program, so that it stays expanded. */
  readonly id: string;
  readonly parent: Row | undefined;
}

export interface SessionRow extends Base {
  readonly kind: "session";
  readonly session: Session;
}

export interface ActivityRow extends Base {
  readonly kind: "activity";
  readonly capture: Capture;
  readonly activity: Activity;
  /** How many activities hang right under it, apart from its stack. */
  readonly members: number;
  /** Such as "5 tasks": what a thread runs. */
  readonly amount?: string;
}

/** Activities of one parent with identical stacks. */
export interface GroupRow extends Base {
  readonly kind: "group";
  readonly parent: Row;
  readonly capture: Capture;
  /** What its activities have in common. */
  readonly key: string;
  readonly first: Activity;
  readonly members: number;
  /** Whether there may be more that are not loaded yet. */
  readonly isPartial: boolean;
}

/** One of several event loops of a thread. */
export interface LoopRow extends Base {
  readonly kind: "loop";
  readonly capture: Capture;
  readonly threadId: string;
  readonly loopId: string;
  /** How many activities it runs. */
  readonly members: number;
}

/** Activities that have something in common: a state, or what they wait for. */
export interface BucketRow extends Base {
  readonly kind: "bucket";
  readonly capture: Capture;
  readonly title: string;
  readonly detail: string;
  /** Whether something is wrong with them. */
  readonly isBad: boolean;
  readonly activities: readonly Activity[];
  /** Those of them that hold what the others wait for. */
  readonly holders?: readonly Activity[];
}

/** The stack of an activity that has others under it. */
export interface ThreadStackRow extends Base {
  readonly kind: "threadStack";
  readonly capture: Capture;
  readonly activity: Activity;
}

export interface FrameRow extends Base {
  readonly kind: "frame";
  readonly capture: Capture;
  readonly frame: Frame;
  readonly sources: readonly SourceRef[];
  /** Why context managers may be missing, unless that is said once for the whole stack. */
  readonly contextsUnknown: string | undefined;
}

/** Frames of framework internals, folded. */
export interface HiddenRow extends Base {
  readonly kind: "hidden";
  readonly frames: readonly FrameRow[];
}

export interface ContextRow extends Base {
  readonly kind: "context";
  readonly capture: Capture;
  readonly context: Context;
  readonly sources: readonly SourceRef[];
  /** Whether it is an entry of an exit stack, and so has no statement of its own. */
  readonly isEntry: boolean;
  /** How the statement spells it, if that can be read. */
  readonly code: string | undefined;
  /** Whether only its address tells it from another one of the picture. */
  readonly isAmbiguous: boolean;
}

/** The innermost awaitable, or a task that is not among the activities. */
export interface ObjectRow extends Base {
  readonly kind: "object";
  readonly role: "leaf" | "task";
  readonly object: ObjectRef;
}

export interface NoteRow extends Base {
  readonly kind: "note";
  readonly severity: "info" | "warning";
  readonly text: string;
}

/** Why something does not go on; the activities concerned are inside. */
export interface FindingRow extends Base {
  readonly kind: "finding";
  readonly capture: Capture;
  readonly finding: FindingInfo;
}

/** One activity of a finding; its stack is inside. */
export interface StepRow extends Base {
  readonly kind: "step";
  readonly capture: Capture;
  readonly finding: FindingInfo;
  readonly step: StepInfo;
  /** Undefined if it is not loaded. */
  readonly activity: Activity | undefined;
}

export interface ErrorRow extends Base {
  readonly kind: "error";
  readonly message: string;
  readonly retry: () => void;
}

export interface MoreRow extends Base {
  readonly kind: "more";
  /** How many activities there are beyond those shown. */
  readonly rest: number;
  /** Whether none of them are loaded yet. */
  readonly isUnloaded: boolean;
  readonly show: () => Promise<void>;
}

export type Row =
  | SessionRow
  | ActivityRow
  | GroupRow
  | LoopRow
  | BucketRow
  | ThreadStackRow
  | FrameRow
  | HiddenRow
  | ContextRow
  | ObjectRow
  | NoteRow
  | FindingRow
  | StepRow
  | ErrorRow
  | MoreRow;
