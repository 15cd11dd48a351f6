/** One picture of a program: its activities and, as far as someone looked, their stacks. */

import { MAX_PAGE, type ActivityInfo, type CountInfo, type FindingInfo, type SourceRef, type Stack } from "../protocol";
import { Emitter } from "./events";
import { RequestError, type Helper } from "./helper";
import type { Before } from "./news";
import { expandStack } from "./shapes";
import type { Saved } from "./store";

/** The program went on, so that the answer is of no use to anyone. Never shown to the user. */
export class CaptureEnded extends Error {
  constructor() {
    super("The program went on.");
    this.name = "CaptureEnded";
  }
}

/** An activity with the sources that its `top` refers to. */
export interface Activity {
  readonly info: ActivityInfo;
  readonly sources: readonly SourceRef[];
}

/** A stack with the sources that its frames refer to. */
export interface LoadedStack {
  readonly stack: Stack;
  readonly sources: readonly SourceRef[];
}

interface PendingStack {
  readonly promise: Promise<LoadedStack>;
  resolve(stack: LoadedStack): void;
  reject(error: Error): void;
}

/** Most stacks asked for at once: the adapter serves no other request until they are all answered. */
const STACKS_PER_REQUEST = 100;

export class Capture {
  /** Fires when activities have been added. */
  readonly onDidChange: Emitter<void>["on"];
  /** What could not be determined, and why. */
  notes: readonly string[] = [];
  /** Why something does not go on; they come with the first page. */
  findings: readonly FindingInfo[] = [];
  /** What the places of their steps refer to. */
  findingSources: readonly SourceRef[] = [];
  /** How many activities there are, known before they are loaded; empty if the helper does not say. */
  counts: readonly CountInfo[] = [];
  /** How many activities the program had. */
  total = 0;
  /** Where everything stood at the last stop, if there was one. */
  before: Before | undefined;
  /** When the program was asked for its activities. */
  takenAt: Date;

  readonly #changed = new Emitter<void>();
  readonly #activities = new Map<string, Activity>();
  readonly #members = new Map<string, Activity[]>();
  readonly #roots: Activity[] = [];
  readonly #stacks = new Map<string, PendingStack>();
  readonly #queue: string[] = [];
  #snapshotId: number | undefined;
  #received = 0;
  #page: Promise<void> | undefined;
  #pumping = false;
  #inBackground = false;
  #ended = false;

  constructor(
    readonly helper: Helper,
    /** Whether the program runs while it is looked at. */
    readonly live: boolean,
    /** The file that it comes from, if it does. */
    readonly saved?: Saved,
  ) {
    this.onDidChange = this.#changed.on;
    this.takenAt = saved ? new Date(saved.info.time) : new Date();
  }

  /** Its number in requests, once the first page has come. */
  get snapshotId(): number | undefined {
    return this.#snapshotId;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What is not loaded yet remains so from now on; what is loaded can still be looked at. */
  end(): void {
    this.#ended = true;
    for (const id of this.#queue.splice(0)) this.#stacks.get(id)?.reject(new CaptureEnded());
  }

  /** To be called after every wait: throws `CaptureEnded` if what arrived is of no use any more. */
  check(): void {
    if (this.#ended) throw new CaptureEnded();
  }

  /** How many of `total` have been received. */
  get loaded(): number {
    return this.#received;
  }

  get complete(): boolean {
    return this.#snapshotId !== undefined && this.loaded >= this.total;
  }

  get activities(): Iterable<Activity> {
    return this.#activities.values();
  }

  /** Threads, and what no thread runs. */
  get roots(): readonly Activity[] {
    return this.#roots;
  }

  activity(id: string): Activity | undefined {
    return this.#activities.get(id);
  }

  /** What the thread runs. */
  members(threadId: string): readonly Activity[] {
    return this.#members.get(threadId) ?? [];
  }

  /** Load the first page if that has not been done. */
  async load(): Promise<void> {
    if (this.#snapshotId === undefined) await this.loadMore();
  }

  /** Load one page more, unless all are loaded; calls at the same time get the same page. */
  async loadMore(): Promise<void> {
    if (this.complete) return;
    this.#page ??= this.#loadPage().finally(() => {
      this.#page = undefined;
    });
    await this.#page;
  }

  async loadAll(): Promise<void> {
    while (!this.complete) await this.loadMore();
  }

  /** Load what is missing while nobody waits for it, and tell of it once, at the end. */
  async loadInBackground(): Promise<void> {
    this.#inBackground = true;
    try {
      await this.loadAll();
    } catch {
      // Whoever needs it asks again, and is told what is wrong.
    } finally {
      this.#inBackground = false;
    }
  }

  /**
   * The full stack of an activity, asked for once.
   *
   * One request is under way at a time; what is wanted meanwhile goes into the next one together.
   */
  stack(activityId: string): Promise<LoadedStack> {
    let pending = this.#stacks.get(activityId);
    if (pending === undefined) {
      pending = deferred();
      this.#stacks.set(activityId, pending);
      if (this.#ended) {
        pending.reject(new CaptureEnded());
      } else {
        this.#queue.push(activityId);
        void this.#pump();
      }
    }
    return pending.promise;
  }

  /** Ask for the stack again when it is wanted the next time. */
  forgetStack(activityId: string): void {
    this.#stacks.delete(activityId);
  }

  async #loadPage(): Promise<void> {
    this.check();
    if (this.#snapshotId === undefined && !this.saved) this.takenAt = new Date();
    const page = await this.helper.snapshot(
      this.#snapshotId === undefined
        ? { count: MAX_PAGE }
        : { snapshotId: this.#snapshotId, start: this.loaded, count: MAX_PAGE },
    );
    this.check();
    if (page.activities.length === 0 && page.start < page.total) {
      throw new RequestError(`The helper sent an empty page at ${page.start} of ${page.total} activities.`, "internal");
    }
    this.#snapshotId = page.snapshotId;
    this.#received = page.start + page.activities.length;
    this.total = page.total;
    this.notes = [...new Set([...this.notes, ...page.notes])]; // each page has its own, besides common ones
    if (page.start === 0) {
      this.findings = page.findings;
      this.findingSources = page.sources;
      this.counts = page.counts ?? [];
    }
    for (const info of page.activities) this.#add({ info, sources: page.sources });
    if (page.start === 0 || this.complete || !this.#inBackground) this.#changed.fire();
  }

  #add(activity: Activity): void {
    const { id, kind, threadId } = activity.info;
    this.#activities.set(id, activity);
    if (kind === "thread" || threadId === undefined) {
      this.#roots.push(activity);
      return;
    }
    const members = this.#members.get(threadId);
    if (members) members.push(activity);
    else this.#members.set(threadId, [activity]);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    await this.load().catch(() => undefined); // the request below reports what is wrong
    while (this.#queue.length > 0) await this.#loadStacks(this.#queue.splice(0, STACKS_PER_REQUEST));
    this.#pumping = false;
  }

  async #loadStacks(activityIds: string[]): Promise<void> {
    const missing = new Set(activityIds);
    try {
      this.check();
      if (this.#snapshotId === undefined) throw new RequestError("There is no snapshot of the program.", undefined);
      const answer = await this.helper.stacks({ snapshotId: this.#snapshotId, activityIds });
      this.check();
      for (const entry of answer.stacks) {
        const { activityId, error } = entry;
        const pending = this.#stacks.get(activityId);
        missing.delete(activityId);
        const stack = expandStack(entry, answer);
        if (stack) pending?.resolve({ stack, sources: answer.sources });
        else pending?.reject(new RequestError(error?.format ?? "It has no stack.", error?.code));
      }
      if (answer.stacks.length === 0) throw new RequestError("No stack could be read in time.", "timeout");
      this.#queue.unshift(...missing);
    } catch (error) {
      for (const id of missing) this.#stacks.get(id)?.reject(error as Error);
    }
  }
}

function deferred(): PendingStack {
  let resolve!: PendingStack["resolve"];
  let reject!: PendingStack["reject"];
  const promise = new Promise<LoadedStack>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined); // whoever asked sees it; if nobody waits any more, nobody needs to
  return { promise, resolve, reject };
}
