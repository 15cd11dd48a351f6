/**
 * Types of the custom DAP messages between the editor and the helper inside the debugged process.
 *
 * Twin: `dap_extension/protocol.py`. Both are checked against `tests/protocol_cases/`, and `docs/protocol.md`
 * explains them.
 */

export const PROTOCOL_VERSION = 1;

export const HANDSHAKE = "asynctbHandshake";
export const SNAPSHOT = "asynctbSnapshot";
export const STACKS = "asynctbStacks";
export const CONFIGURE = "asynctbConfigure";
export const FOCUS = "asynctbFocus";
export const FOLLOW = "asynctbFollow";
export const SEARCH = "asynctbSearch";

/** Most activities in one `SnapshotResponse` or `StacksResponse`. */
export const MAX_PAGE = 1000;

/** What tells stacks of the same shape apart: under these keys a `StackShape` has indexes into `values`. */
export const VARYING = ["address", "frameId", "activityId"] as const;

export type ErrorCode =
  /** An argument is missing, has a wrong type or is out of range. */
  | "badRequest"
  /** The program went on since the snapshot: take a new one. */
  | "staleSnapshot"
  /** No activity of the snapshot has this identifier, or it has ended. */
  | "unknownActivity"
  /** The time budget ran out before anything could be answered. */
  | "timeout"
  /** A defect of the helper; the message has the details. */
  | "internal";

/** The code of each error and its number, which DAP's `Message` wants. */
export const ERROR_IDS: Readonly<Record<ErrorCode, number>> = {
  badRequest: 1,
  staleSnapshot: 2,
  unknownActivity: 3,
  timeout: 4,
  internal: 5,
};

/**
 * What was wrong: a DAP `Message` with our code.
 *
 * A failed request is answered with `success: false`, `message: "<code>: <format>"` and this as `body.error`. Rely on
 * `message` (see `splitErrorMessage`): debugpy's adapter passes nothing else of a failed response on.
 */
export interface ErrorDetails {
  id: number;
  format: string;
  showUser: boolean;
  code: ErrorCode;
}

/** The code and the text of a failed response's `message`; the code is undefined if the error is not ours. */
export function splitErrorMessage(message: string): [code: ErrorCode | undefined, text: string] {
  for (const code of Object.keys(ERROR_IDS) as ErrorCode[]) {
    if (message.startsWith(`${code}: `)) return [code, message.slice(code.length + 2)];
  }
  return [undefined, message];
}

export interface HandshakeArguments {
  client?: string;
}

export interface PythonInfo {
  implementation: string;
  /** Such as "3.12.1". */
  version: string;
  platform: string;
}

export interface Capabilities {
  /** Frames of a paused program carry a `Frame.frameId`. */
  frameIds?: boolean;
  /** Requests are answered while the program runs, too. */
  whileRunning?: boolean;
  /** `asynctbConfigure` can show tasks in the standard `threads` request. */
  callStack?: boolean;
  /** `asynctbFocus` can move the client's focus to an activity. */
  focus?: boolean;
  /** `asynctbFollow` can have the program stop where an activity goes on. */
  follow?: boolean;
  /** `asynctbSearch` finds activities by a text. */
  search?: boolean;
  /** The standard request `pause` stops the program even if all of its event loops are idle. */
  wakesLoops?: boolean;
  /** Snapshots and stacks can be answered as `AsText`, and stacks without frame ids. */
  asText?: boolean;
}

export interface Handshake {
  protocolVersion: number;
  /** Version of asynctb. */
  helperVersion: string;
  /** Identifies the helper's sources. */
  helperKey: string;
  python: PythonInfo;
  processId: number;
  /** Identifiers of activities are the same in what the same process says with the same one. */
  instance?: string;
  capabilities: Capabilities;
  /** How precisely context managers can be determined: "full", "gc-only", "static-only" or "off". */
  contexts: string;
  /** Why that is less than "full", and other limits that the user should know. */
  notes: string[];
}

export interface SnapshotArguments {
  /** A snapshot taken before, to get another page of it; absent: take a new one. */
  snapshotId?: number;
  /** Index of the first activity wanted, default 0. */
  start?: number;
  /**
   * How many activities are wanted, 1 to MAX_PAGE, default MAX_PAGE. There may be fewer in the answer (its size and
   * time are limited): the next page starts after the last one received.
   */
  count?: number;
  /** Whether the body of the answer is to be `AsText`, default false. */
  asText?: boolean;
}

/** The body of an answer as one text, which debugpy's adapter passes on much faster than the objects in it. */
export interface AsText {
  /** As JSON. */
  text: string;
}

/** A DAP `Source`; paths are mapped for the client. */
export interface SourceRef {
  name?: string;
  path?: string;
  sourceReference?: number;
}

/** An object of the program, described without running any of its code. */
export interface ObjectRef {
  /** Qualified name of its type, such as "asyncio.locks.Lock". */
  type: string;
  address: string;
}

/** A range of source code: lines from 1, columns from 1 in UTF-16 code units, the end column exclusive. */
export interface Location {
  /** Index into `sources` of the response. */
  source: number;
  line?: number;
  endLine?: number;
  column?: number;
  endColumn?: number;
}

export interface Frame {
  name: string;
  location: Location;
  /** Not of interest to most users (framework internals). */
  hidden?: boolean;
  /** Neither that nor the user's own code, by the rules of `justMyCode`. */
  library?: boolean;
  /** Another activity, of the same thread, that runs and whose stack begins at this frame and is the same from here on. */
  activityId?: string;
  /** Accepted by the standard requests (scopes, evaluate, ...) until the program goes on. */
  frameId?: number;
  /** Context managers active in the frame, outermost first. */
  contexts?: Context[];
  /** Why `contexts` may be incomplete. */
  contextsUnknown?: string;
}

export interface Context {
  /** Absent if it could not be determined; then `unknown` says why. */
  manager?: ObjectRef;
  isAsync: boolean;
  phase: "entering" | "active" | "exiting";
  /** The exception on whose account the block is being left, such as "ValueError: no such item". */
  exception?: string;
  /** Source text of the target after "as". */
  varname?: string;
  description?: string;
  /** The with statement; absent for entries of an ExitStack. */
  location?: Location;
  /** The stack inside a generator-based manager. */
  inner?: Stack;
  children?: (ContextChild | TaskChild)[];
  unknown?: string;
}

/** An entry of an ExitStack. */
export interface ContextChild {
  kind: "context";
  context: Context;
}

/** A task of a nursery or task group. */
export interface TaskChild {
  kind: "task";
  /** Present if the task is an activity of the snapshot. */
  activityId?: string;
  object: ObjectRef;
}

export interface Stack {
  /** Innermost frame first, as in DAP's stackTrace. */
  frames: Frame[];
  /** The innermost awaitable that is not a frame. */
  leaf?: ObjectRef;
  /** What cut the stack short. */
  error?: string;
}

/** A part of a stack but for what `VARYING` names. */
export type Shape<T> = T extends (infer Item)[]
  ? Shape<Item>[]
  : T extends object
    ? { [Key in keyof T]: Key extends (typeof VARYING)[number] ? number : Shape<T[Key]> }
    : T;

export type StackShape = Shape<Stack>;

/** An activity that holds what others wait for. */
export interface HolderInfo {
  activityId: string;
  /** Of a semaphore or limiter; 1 for a lock. */
  permits: number;
  /** The `with` block that it is in, if that is known. */
  location?: Location;
  /** "owner": the object records it. "block": the activity is in a `with` block of it. */
  evidence: "owner" | "block";
}

export interface WaitInfo {
  /** Such as "lock", "queue_get" or "tasks"; "unknown" if there is no word for it. Further ones may be added. */
  kind: string;
  description: string;
  target?: ObjectRef;
  /** Activities that can end it, a hundred at most. */
  activityIds?: string[];
  /** Whether all or any of these are needed. */
  needs?: "all" | "any";
  holders?: HolderInfo[];
  /** Seconds until a timeout, a scope or the sleep ends it. */
  deadline?: number;
}

/** One activity of a finding. */
export interface StepInfo {
  activityId: string;
  text: string;
  location?: Location;
}

/** Why something does not go on, or has gone wrong. */
export interface FindingInfo {
  kind: "deadlock" | "starved" | "blocked_loop" | "abandoned" | "never_awaited" | "failed";
  /** Whether it is proven. If not, nothing that is known speaks against it. */
  certain: boolean;
  /** One sentence. */
  text: string;
  /** Those that wait for each other in a circle first, in its order. */
  activityIds: string[];
  steps: StepInfo[];
}

export type ActivityKind = "thread" | "task" | "greenlet" | "coroutine" | "generator" | "async_generator";
export type ActivityState = "created" | "running" | "ready" | "suspended" | "cancelling" | "done" | "unknown";

export interface CreationInfo {
  /** The function that it was made in. */
  name: string;
  location: Location;
}

export interface ActivityInfo {
  /** Stays the same from stop to stop while the object lives. */
  id: string;
  kind: ActivityKind;
  framework: string;
  name: string;
  state: ActivityState;
  /** Activity that this one belongs to. */
  parentId?: string;
  /** Activity of kind "thread" that runs this one. */
  threadId?: string;
  /** Event loop that runs it, such as "loop-1". */
  loopId?: string;
  waitsFor?: WaitInfo;
  /** The same for all activities of a snapshot that are suspended in the same functions at the same instructions. */
  signature?: number;
  /** The exception that it ended with, such as "ValueError: no such item"; `top` and its stack tell where from. */
  failure?: string;
  /** Where it was made, if that is recorded. */
  createdAt?: CreationInfo;
  /**
   * Where it stands, without contexts: the innermost frame of the user's own code, which is neither in the standard
   * library nor in an installed package; if there is none, the innermost one. Hidden frames do not count.
   */
  top?: Frame;
  /** The innermost frame that is not hidden, without contexts, if `top` is another one. */
  innermost?: Frame;
  /** For a thread: its id in the standard DAP requests, if the debugger knows it. */
  dapThreadId?: number;
}

/** How many activities of a kind a thread runs. */
export interface CountInfo {
  kind: ActivityKind;
  /** Absent for threads, and for what no thread runs. */
  threadId?: string;
  count: number;
}

export interface SnapshotResponse {
  snapshotId: number;
  /** How many activities the snapshot has. */
  total: number;
  /** Index of the first one in `activities`. */
  start: number;
  activities: ActivityInfo[];
  sources: SourceRef[];
  /** Whether a thread of the program was suspended by the debugger. */
  paused: boolean;
  notes: string[];
  /** Of the whole snapshot, with its first page; empty in the others. */
  findings: FindingInfo[];
  /** How many activities the snapshot has of each kind in each thread, with its first page. */
  counts?: CountInfo[];
}

export interface StacksArguments {
  snapshotId: number;
  /** 1 to MAX_PAGE identifiers. */
  activityIds: string[];
  /** Whether the body of the answer is to be `AsText`, default false. */
  asText?: boolean;
  /** Whether frames are to have a `frameId`, default true. To make one takes longer than to read the frame. */
  frameIds?: boolean;
  /** Whether hooks may change the stacks; default: true. */
  hooks?: boolean;
}

/** The shape of an activity's stack, and what the stack has in the places that the shape leaves open. */
export interface ActivityStack {
  activityId: string;
  /** Index into `shapes` of the response. Absent if the activity has ended since; then `error` says so. */
  shape?: number;
  /** Present whenever `shape` is, even if empty. */
  values?: (number | string)[];
  error?: ErrorDetails;
}

export interface StacksResponse {
  snapshotId: number;
  /** In the order of the request; fewer if the time budget ran out: ask again for the rest. */
  stacks: ActivityStack[];
  /** Each shape once: activities with the same index have the same stack but for its values. */
  shapes: StackShape[];
  sources: SourceRef[];
}

export interface CallStackSettings {
  /** Whether tasks and greenlets of a paused program are listed by the standard request `threads`; at first false. */
  enabled?: boolean;
  /** How many at most, 1 to MAX_PAGE, at first 100. One more row says how many there are beyond. */
  limit?: number;
  /** Whether to include those that have no frame of the user's code, at first true. The others come first. */
  libraryTasks?: boolean;
}

export interface ConfigureArguments {
  /** What to change; what is absent stays as it is. */
  callStack?: CallStackSettings;
}

export interface ConfigureResponse {
  /** What holds from now on, complete. */
  callStack: CallStackSettings;
}

export interface FocusArguments {
  snapshotId: number;
  activityId: string;
  /** Which frame, by `Frame.frameId`; absent: the innermost one that the client shows. */
  frameId?: number;
  /** The `reason` of the event, at first "". */
  reason?: string;
}

export interface FocusResponse {
  /** What the standard requests call the activity. */
  threadId: number;
}

export interface FollowArguments {
  snapshotId: number;
  activityId: string;
}

export interface FollowResponse {
  /** What the standard requests call the thread that runs the activity. */
  threadId: number;
}

export interface SearchArguments {
  snapshotId: number;
  /** What to find, 1 to 200 characters, in upper or lower case. */
  text: string;
  /** Index of the first activity to look at, default 0. */
  start?: number;
  /** Whether hidden frames count, default false. */
  hidden?: boolean;
}

export interface SearchResponse {
  snapshotId: number;
  /** Those in which the text occurs. */
  activityIds: string[];
  /** Index of the first activity that has not been looked at; `total` at the end. */
  next: number;
  total: number;
}
