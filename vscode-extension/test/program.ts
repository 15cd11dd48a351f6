/** A stand-in for the helper of a program: answers requests from plain data, and remembers what was asked. */

import type { HelperOptions, SendRequest } from "../src/model/helper";
import {
  VARYING,
  type ActivityInfo,
  type Capabilities,
  type Context,
  type CountInfo,
  type FindingInfo,
  type Frame,
  type Handshake,
  type SearchArguments,
  type SearchResponse,
  type SnapshotArguments,
  type SnapshotResponse,
  type SourceRef,
  type Stack,
  type StackShape,
  type StacksArguments,
  type StacksResponse,
} from "../src/protocol";

export const SOURCES: SourceRef[] = [
  { name: "shop.py", path: "/project/shop.py" },
  { name: "base_events.py", path: "/usr/lib/python3.12/asyncio/base_events.py" },
];

export const BOOTSTRAP = "exec('helper')";

export function options(tasksInCallStack = false): HelperOptions {
  return {
    bootstrap: () => Promise.resolve(BOOTSTRAP),
    callStack: () => ({ enabled: tasksInCallStack, limit: 100, libraryTasks: true }),
  };
}

export interface Sent {
  readonly command: string;
  readonly args: object;
}

export class Program {
  readonly sent: Sent[] = [];
  activities: ActivityInfo[] = [];
  stacks = new Map<string, Stack>();
  notes: string[] = [];
  findings: FindingInfo[] = [];
  /** The notes of the page that begins with an activity. */
  pageNotes: (start: number) => string[] = () => [];
  capabilities: Capabilities = { callStack: true };
  protocolVersion = 1;
  /** Most activities in a page, and most stacks in an answer. */
  limit = 1000;
  /** Fails the next requests of a kind with these messages. */
  readonly failures: { command: string; message: string }[] = [];
  /** While set, answers wait for it. */
  gate: Promise<void> | undefined;
  #snapshots = 0;

  readonly send: SendRequest = async (command, args) => {
    this.sent.push({ command, args });
    await this.gate;
    const failure = this.failures.findIndex((candidate) => candidate.command === command);
    if (failure >= 0) throw new Error(this.failures.splice(failure, 1)[0]?.message);
    switch (command) {
      case "evaluate":
        return { result: "", variablesReference: 0 };
      case "asynctbHandshake":
        return this.#handshake();
      case "asynctbConfigure":
        return args;
      case "asynctbSnapshot":
        return this.#snapshot(args);
      case "asynctbSearch":
        return this.#search(args as SearchArguments);
      case "asynctbStacks":
        return this.#stacks(args as StacksArguments);
      default:
        throw new Error(`unexpected request ${command}`);
    }
  };

  /** The arguments of all requests of a kind. */
  asked(command: string): object[] {
    return this.sent.filter((request) => request.command === command).map((request) => request.args);
  }

  #handshake(): Handshake {
    return {
      protocolVersion: this.protocolVersion,
      helperVersion: "0.1.0",
      helperKey: "4349ec1fb7312f99",
      python: { implementation: "CPython", version: "3.12.1", platform: "linux" },
      processId: 4711,
      capabilities: this.capabilities,
      contexts: "full",
      notes: this.notes,
    };
  }

  #snapshot({ snapshotId, start = 0, count = 1000 }: SnapshotArguments): SnapshotResponse {
    if (snapshotId === undefined) this.#snapshots += 1;
    return {
      snapshotId: snapshotId ?? this.#snapshots,
      total: this.activities.length,
      start,
      activities: this.activities.slice(start, start + Math.min(count, this.limit)),
      sources: SOURCES,
      paused: true,
      notes: this.pageNotes(start),
      findings: start === 0 ? this.findings : [],
      ...(start === 0 && { counts: this.#counts() }),
    };
  }

  #counts(): CountInfo[] {
    const counts = new Map<string, CountInfo>();
    for (const { kind, threadId } of this.activities) {
      const thread = kind === "thread" || threadId === undefined ? {} : { threadId };
      const key = JSON.stringify([kind, thread]);
      counts.set(key, { kind, ...thread, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }

  #search({ snapshotId, text, start = 0 }: SearchArguments): SearchResponse {
    const searched = this.activities.slice(start, start + this.limit);
    const found = searched.filter((info) => {
      const words = JSON.stringify([info, this.stacks.get(info.id)]).toLowerCase();
      return words.includes(text.toLowerCase());
    });
    const activityIds = found.map(({ id }) => id);
    return { snapshotId, activityIds, next: start + searched.length, total: this.activities.length };
  }

  #stacks({ snapshotId, activityIds }: StacksArguments): StacksResponse {
    const shapes = new Map<string, number>();
    const stacks = activityIds.slice(0, this.limit).map((activityId) => {
      const stack = this.stacks.get(activityId);
      if (stack) {
        const values: (number | string)[] = [];
        const shape = JSON.stringify(takeValues(stack, values));
        if (!shapes.has(shape)) shapes.set(shape, shapes.size);
        return { activityId, shape: shapes.get(shape) ?? 0, values };
      }
      const format = "the task has ended";
      return { activityId, error: { id: 3, format, showUser: true, code: "unknownActivity" as const } };
    });
    return {
      snapshotId,
      stacks,
      shapes: [...shapes.keys()].map((shape) => JSON.parse(shape) as StackShape),
      sources: SOURCES,
    };
  }
}

/** A copy of a part of a stack with indexes in place of what goes into `values`. */
function takeValues(part: unknown, values: (number | string)[]): unknown {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map((item) => takeValues(item, values));
  const taken = Object.entries(part).map(([key, item]: [string, unknown]) => {
    const varies = (VARYING as readonly string[]).includes(key);
    return [key, varies ? values.push(item as number | string) - 1 : takeValues(item, values)];
  });
  return Object.fromEntries(taken);
}

export function thread(id: string, name: string, more: Partial<ActivityInfo> = {}): ActivityInfo {
  return { id, kind: "thread", framework: "threading", name, state: "running", ...more };
}

export function task(id: string, name: string, more: Partial<ActivityInfo> = {}): ActivityInfo {
  return {
    id,
    kind: "task",
    framework: "asyncio",
    name,
    state: "suspended",
    threadId: "thread-1",
    loopId: "loop-1",
    ...more,
  };
}

export function frame(name: string, line: number, more: Partial<Frame> = {}): Frame {
  return { name, location: { source: 0, line }, ...more };
}

export function hidden(name: string, line: number): Frame {
  return { name, location: { source: 1, line }, hidden: true };
}

export function context(type: string, line: number, more: Partial<Context> = {}): Context {
  const address = "0x7f00";
  return { manager: { type, address }, isAsync: true, phase: "active", location: { source: 0, line }, ...more };
}

/** A program with two threads and tasks that wait for each other. */
export function shop(): Program {
  const program = new Program();
  program.activities = [
    thread("thread-1", "MainThread", { top: frame("main", 50) }),
    task("t1", "Task-1", { state: "running", top: frame("main", 50) }),
    task("t2", "ship-1", {
      top: frame("reserve", 17),
      waitsFor: { kind: "lock", description: "lock", target: { type: "asyncio.locks.Lock", address: "0x7f00" } },
    }),
    task("t3", "ship-2", { state: "created" }),
    thread("thread-2", "printer", { top: frame("wait", 331) }),
  ];
  program.stacks.set("t1", {
    frames: [
      frame("main", 50, {
        contexts: [
          context("asyncio.taskgroups.TaskGroup", 43, {
            varname: "group",
            children: [
              { kind: "task", activityId: "t2", object: { type: "_asyncio.Task", address: "0x7f01" } },
              { kind: "task", object: { type: "_asyncio.Task", address: "0x7f02" } },
            ],
          }),
        ],
      }),
    ],
  });
  program.stacks.set("t2", {
    leaf: { type: "_asyncio.Future", address: "0x7f03" },
    frames: [
      hidden("Lock.acquire", 112),
      hidden("__aenter__", 14),
      frame("reserve", 17, {
        contexts: [context("asyncio.locks.Lock", 17, { phase: "entering", description: "locked, 1 waiting" })],
      }),
      frame("ship", 25, {
        contexts: [
          context("contextlib._AsyncGeneratorContextManager", 22, {
            description: "connection()",
            varname: "link",
            inner: { frames: [frame("connection", 13, { contexts: [context("asyncio.timeouts.Timeout", 12)] })] },
          }),
          context("contextlib.AsyncExitStack", 22, {
            description: "AsyncExitStack with 2 entries",
            varname: "cleanup",
            children: [
              { kind: "context", context: { isAsync: true, phase: "active", description: "callback sleep" } },
              {
                kind: "context",
                context: {
                  manager: { type: "contextlib.suppress", address: "0x7f04" },
                  isAsync: false,
                  phase: "active",
                },
              },
            ],
          }),
        ],
      }),
      hidden("_run", 84),
    ],
  });
  program.stacks.set("t3", { frames: [], error: "it has not started" });
  program.stacks.set("thread-1", { frames: [frame("main", 50), hidden("run_forever", 641)] });
  program.stacks.set("thread-2", { frames: [frame("wait", 331)] });
  return program;
}
