/** A snapshot file that is open: what reads it, and ends with it. */

import { Worker } from "node:worker_threads";
import { LINES, type SavedInfo } from "../model/saved";
import type { Answer, Question } from "./worker";

/** Most memory (MB) that a file may take. */
const MEMORY = 4096;

export class SnapshotFile {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #ids = 0;

  private constructor(
    readonly path: string,
    private readonly worker: Worker,
    readonly info: SavedInfo,
  ) {
    worker.on("message", (answer: Answer) => {
      const { id = 0 } = answer;
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
    const end = (error: string): void => {
      for (const waiting of this.#waiting.values()) waiting({ error });
      this.#waiting.clear();
    };
    worker.on("error", (error: Error) => end(error.message));
    worker.on("exit", () => end("The snapshot is closed."));
  }

  /**
   * Read a file.
   *
   * @param script that of the worker
   * @throws Error if it is no snapshot; the message says why
   */
  static open(script: string, path: string): Promise<SnapshotFile> {
    const worker = new Worker(script, { workerData: path, resourceLimits: { maxOldGenerationSizeMb: MEMORY } });
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        void worker.terminate();
        reject(new Error(reason));
      };
      worker.once("error", (error: NodeJS.ErrnoException) =>
        fail(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "it is too large to be shown" : error.message),
      );
      worker.once("message", ({ info, error }: Answer) => {
        if (!info) {
          fail(error ?? "it cannot be read");
          return;
        }
        worker.removeAllListeners("error");
        resolve(new SnapshotFile(path, worker, info));
      });
    });
  }

  /** Ask as one would ask the debug adapter of a program. */
  readonly send = async (command: string, args: object): Promise<unknown> => {
    this.#ids += 1;
    const question: Question = { id: this.#ids, command, args };
    const { body, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(question.id, resolve);
      this.worker.postMessage(question);
    });
    if (error !== undefined) throw new Error(error);
    return body;
  };

  /** The lines of a source that the file has, by their numbers. */
  async lines(path: string): Promise<ReadonlyMap<number, string>> {
    const found = (await this.send(LINES, { path })) as Readonly<Record<string, string>>;
    return new Map(Object.entries(found).map(([number, text]) => [Number(number), text]));
  }

  close(): void {
    void this.worker.terminate();
  }
}
