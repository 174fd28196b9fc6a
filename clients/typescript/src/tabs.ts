/** Longer than a refresh with all its repetitions takes. */
const PATIENCE_MS = 60_000;

/**
 * Does `work` while no other tab of the origin does work of this name (Web Locks). Without locks, or if a tab does not let go,
 * it is done all the same: the server makes parallel refreshes converge, so the lock saves requests, and no session depends on it.
 */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work();
  let begun = false;
  try {
    return await locks.request(name, { signal: AbortSignal.timeout(PATIENCE_MS) }, () => {
      begun = true;
      return work();
    });
  } catch (error) {
    if (begun) throw error;
    return work();
  }
}

/**
 * Tells other tabs of the origin that something may have changed (BroadcastChannel), and hears it from them. It says no more than that.
 *
 * A browser's tabs are processes, and a message can overtake what was written to `localStorage` before it; so this also listens to
 * the event that comes with what was written.
 */
export class Bell {
  readonly #channel: BroadcastChannel | undefined;
  readonly #heard: () => void;

  constructor(name: string, heard: () => void) {
    this.#heard = heard;
    globalThis.addEventListener?.("storage", heard);
    try {
      this.#channel = new BroadcastChannel(name);
    } catch {
      return; // Not here, or not in this kind of page.
    }
    this.#channel.onmessage = heard;
    // A channel of Node's keeps its process alive.
    (this.#channel as { unref?: () => void }).unref?.();
  }

  ring(): void {
    this.#channel?.postMessage(null);
  }

  close(): void {
    globalThis.removeEventListener?.("storage", this.#heard);
    this.#channel?.close();
  }
}
