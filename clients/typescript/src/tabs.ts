/** How long to wait for another tab, in milliseconds: longer than any work takes (see `retry.ts`). */
const PATIENCE_MS = 60_000;

/** A page or a worker of a browser, where others of the same origin share locks and events. A server shares neither with anybody. */
const hasNeighbours = (): boolean => typeof globalThis.addEventListener === "function";

/**
 * Does one thing at a time: in this page always, and among all tabs of the origin where there are Web Locks. If there are none, or a tab
 * does not let go, it is done all the same: the server makes parallel refreshes converge, so no session depends on the lock.
 */
export class Turn {
  readonly #name: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    this.#name = name;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => this.#amongTabs(work));
    this.#last = mine.catch(() => {}); // Whoever is next does not mind.
    return mine;
  }

  async #amongTabs<T>(work: () => Promise<T>): Promise<T> {
    const locks = hasNeighbours() ? globalThis.navigator?.locks : undefined;
    if (!locks) return work();
    let begun = false;
    try {
      return await locks.request(this.#name, { signal: AbortSignal.timeout(PATIENCE_MS) }, () => {
        begun = true;
        return work();
      });
    } catch (error) {
      if (begun) throw error;
      return work();
    }
  }
}

/** What may bring news of other tabs: what they wrote, and having slept through it in the browser's memory of pages. */
const EVENTS = ["storage", "pageshow"];

/**
 * Tells other tabs of the origin that something may have changed (BroadcastChannel), and hears it from them. It says no more than that.
 *
 * A browser's tabs are processes, and a message can overtake what was written to `localStorage` before it; so this also listens to
 * the event that comes with what was written.
 */
export class Bell {
  readonly #heard: () => void;
  #channel: BroadcastChannel | undefined;

  constructor(name: string, heard: () => void) {
    this.#heard = heard;
    if (!hasNeighbours()) return;
    for (const event of EVENTS) globalThis.addEventListener(event, heard);
    try {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = heard;
    } catch {
      // Not in this browser, or not in this kind of page.
    }
  }

  ring(): void {
    this.#channel?.postMessage(null);
  }

  close(): void {
    if (hasNeighbours()) for (const event of EVENTS) globalThis.removeEventListener(event, this.#heard);
    this.#channel?.close();
    this.#channel = undefined;
  }
}
