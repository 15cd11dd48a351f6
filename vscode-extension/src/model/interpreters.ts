/** Which Python runs the language server. */

import { execFile } from "node:child_process";

/** Oldest one that can. */
export const OLDEST = [3, 10] as const;

/** How long (ms) an interpreter may take to say which one it is. */
const PATIENCE = 10_000;

export interface Candidate {
  /** Who named it, such as "the setting asynctb.languageServer.python". */
  readonly origin: string;
  readonly command: readonly string[];
}

export interface Refused {
  readonly candidate: Candidate;
  /** Such as "is Python 3.8". */
  readonly reason: string;
}

export interface Choice {
  readonly chosen?: Candidate;
  /** Those that came before it. */
  readonly refused: readonly Refused[];
}

/** The version of an interpreter, such as "3.12"; rejects if there is none. */
export type Probe = (command: readonly string[]) => Promise<string>;

/** The first one of those that can run the server; later ones are not even asked for. */
export async function choose(sources: Iterable<() => Promise<Candidate[]>>, probe: Probe): Promise<Choice> {
  const refused: Refused[] = [];
  for (const source of sources) {
    for (const candidate of await source()) {
      const reason = await problem(candidate, probe);
      if (reason === undefined) return { chosen: candidate, refused };
      refused.push({ candidate, reason });
    }
  }
  return { refused };
}

async function problem({ command }: Candidate, probe: Probe): Promise<string | undefined> {
  let version: string;
  try {
    version = await probe(command);
  } catch (error) {
    return `cannot be run: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
  const match = /^(\d+)\.(\d+)$/.exec(version);
  if (!match) return "does not say its version";
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major === OLDEST[0] && minor >= OLDEST[1] ? undefined : `is Python ${version}`;
}

/** Ask an interpreter itself: in no environment, so that nothing of that can be in the way. */
export const probe: Probe = ([file = "", ...args]) =>
  new Promise((resolve, reject) => {
    const code = "import sys; print('%d.%d' % sys.version_info[:2])";
    execFile(file, [...args, "-I", "-S", "-c", code], { timeout: PATIENCE, windowsHide: true }, (error, stdout) => {
      if (error) reject(new Error(error.message));
      else resolve(stdout.trim());
    });
  });

/** What to say if there is none, or not the one that was asked for. */
export function refusal({ chosen, refused }: Choice): string {
  const reasons = refused.map(
    ({ candidate, reason }) => `${candidate.command.join(" ")} (${candidate.origin}) ${reason}`,
  );
  const detail = reasons.length === 0 ? "" : ` ${reasons.slice(0, 3).join("; ")}.`;
  if (chosen) return `The language server of Async Stacks runs with ${chosen.command.join(" ")}, because:${detail}`;
  const needed = `a Python ${OLDEST.join(".")} or later`;
  return `Code lenses, hints and hovers of Async Stacks need ${needed}.${detail} Everything else works without.`;
}
