/** Long work in short pieces. */

/** How long (ms) anything may hold up what else wants to run. */
const LONGEST = 8;

/** Lets others run whenever it has worked for a while. */
export class Breath {
  #since = performance.now();

  /** To be called often; most calls return at once. */
  async take(): Promise<void> {
    if (performance.now() - this.#since < LONGEST) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
