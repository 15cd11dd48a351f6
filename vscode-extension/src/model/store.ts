/** All debug sessions and what is known of each: the one place that every view reads. */

import { Capture } from "./capture";
import { Emitter } from "./events";
import { beforeOf, type Before } from "./news";
import type { SavedInfo } from "./saved";
import { Helper, type HelperOptions, type SendRequest } from "./helper";

/** How long (ms) a step's old picture stays before the view is cleared, so that stepping does not make it flicker. */
const LINGER = 500;

/** Why the debugger holds a program, as far as it says so. */
export interface Stop {
  /** Such as "breakpoint". */
  readonly reason?: string;
  /** The thread, in the numbers of standard requests. */
  readonly threadId?: number;
}

/** A snapshot file in the place of a program. */
export interface Saved {
  readonly path: string;
  readonly info: SavedInfo;
  readonly send: SendRequest;
  /** The lines of a source that it has, by their numbers. */
  lines(path: string): Promise<ReadonlyMap<number, string>>;
  close(): void;
}

export class Session {
  /** What to show, if anything. */
  capture: Capture | undefined;
  /** Whether the debugger holds the program. */
  paused = false;
  /** What the latest stop was. */
  stop: Stop = {};
  readonly helper: Helper;
  #linger: NodeJS.Timeout | undefined;
  #configured = false;
  /** Where everything stood at the last stop. */
  #before: Before | undefined;

  constructor(
    readonly id: string,
    readonly name: () => string,
    send: SendRequest,
    private readonly options: HelperOptions,
    private readonly changed: () => void,
    /** The file that is shown, if it is no program. */
    readonly saved?: Saved,
  ) {
    this.helper = new Helper(send, options);
  }

  /** The program stopped, or stopped once more. */
  stopped(stop: Stop = this.stop): void {
    this.paused = true;
    this.stop = stop;
    this.#show(new Capture(this.helper, false));
    if (!this.#configured && this.options.callStack().enabled) this.configure();
  }

  /** Let the debugger's own list of threads be as wished; not only when a view is open. */
  configure(): void {
    this.helper.configure().then(
      () => {
        this.#configured = true;
      },
      () => undefined, // the next stop tries again, and a view says what is wrong
    );
  }

  /**
   * The program goes on.
   *
   * @param stepping whether it is expected to stop again at once
   */
  resumed(stepping: boolean): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.capture && this.capture.loaded > 0) this.#before = beforeOf(this.capture);
    this.capture?.end();
    if (stepping) {
      this.#linger = setTimeout(() => this.#show(undefined), LINGER);
    } else {
      this.#show(undefined);
    }
  }

  /** Take a new picture: of the pause, or of the running program. */
  refresh(): void {
    this.#show(new Capture(this.helper, !this.paused && !this.saved, this.saved));
  }

  dispose(): void {
    this.paused = false;
    this.#show(undefined);
    this.saved?.close();
  }

  #show(capture: Capture | undefined): void {
    clearTimeout(this.#linger);
    this.capture?.end();
    this.capture = capture;
    if (capture && this.paused) capture.before = this.#before;
    capture?.onDidChange(this.changed);
    // The first page comes when it is wanted; then all is.
    const begun = capture?.onDidChange(() => {
      begun?.dispose();
      void capture.loadInBackground();
    });
    this.changed();
  }
}

export class Store {
  readonly onDidChange: Emitter<void>["on"];
  readonly #changed = new Emitter<void>();
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly options: HelperOptions) {
    this.onDidChange = this.#changed.on;
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  get captures(): readonly Capture[] {
    return this.sessions.flatMap(({ capture }) => (capture ? [capture] : []));
  }

  /** What there is to see: pictures, or at least programs that one could look at. */
  get state(): "paused" | "running" | undefined {
    if (this.sessions.some((session) => session.capture)) return "paused";
    return this.sessions.length > 0 ? "running" : undefined;
  }

  /** Look at programs that run: that of one session, or all. */
  showRunning(only?: Session): void {
    for (const session of only ? [only] : this.sessions) if (!session.paused && !session.saved) session.refresh();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** A session began; one with the same identifier is replaced (a restarted session keeps its identifier). */
  open(id: string, name: () => string, send: SendRequest): Session {
    this.#sessions.get(id)?.dispose();
    const session = new Session(id, name, send, this.options, () => this.#changed.fire());
    this.#sessions.set(id, session);
    this.#changed.fire();
    return session;
  }

  /** Show a snapshot file, in place of an older one of the same name. */
  openSaved(id: string, name: string, saved: Saved): Session {
    this.#sessions.get(id)?.dispose();
    const session = new Session(
      id,
      () => name,
      saved.send,
      this.options,
      () => this.#changed.fire(),
      saved,
    );
    this.#sessions.set(id, session);
    session.refresh();
    return session;
  }

  close(session: Session): void {
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    session.dispose();
  }
}
