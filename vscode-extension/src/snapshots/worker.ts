/** Reads a snapshot file and answers for it, in a thread of its own: a large one would hold up all extensions. */

import { open } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { DocumentError, MAX_SIZE, parseDocument, type SavedInfo, type SavedSnapshot } from "../model/saved";

export interface Question {
  readonly id: number;
  readonly command: string;
  readonly args: object;
}

/** The first one is about the file itself, without an id. */
export interface Answer {
  readonly id?: number;
  readonly info?: SavedInfo;
  readonly body?: unknown;
  readonly error?: string;
}

async function read(path: string): Promise<SavedSnapshot> {
  const file = await open(path, "r");
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new DocumentError("it is no regular file");
    if (status.size > MAX_SIZE) throw new DocumentError(`it is larger than ${MAX_SIZE / 1_000_000} MB`);
    const data = await file.readFile();
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(data);
    } catch {
      throw new DocumentError("it is no snapshot of asynctb: it is not text in UTF-8");
    }
    return parseDocument(text);
  } finally {
    await file.close();
  }
}

async function serve(path: string): Promise<void> {
  const say = (answer: Answer): void => parentPort?.postMessage(answer);
  try {
    const snapshot = await read(path);
    parentPort?.on("message", ({ id, command, args }: Question) => {
      try {
        say({ id, body: snapshot.answer(command, args) });
      } catch (error) {
        say({ id, error: String(error) });
      }
    });
    say({ info: snapshot.info });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
}

void serve(workerData as string);
