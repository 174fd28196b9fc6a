import { GateletError, isPassing } from "./errors.js";

/** How often something is tried before the caller is told. */
const ATTEMPTS = 4;
/** The first pause, in milliseconds; each further one is twice as long. */
const PAUSE_MS = 300;
/** Whoever is told to wait longer than this, in seconds, is told so, and not kept waiting. */
const LONGEST_WAIT = 20;

/** Tries again what failed for the moment, after a pause with jitter that is at least what `Retry-After` asks for. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = error instanceof GateletError ? (error.retryAfter ?? 0) : 0;
      if (!isPassing(error) || tries === ATTEMPTS || wait > LONGEST_WAIT) throw error;
      await pause(wait * 1000 + PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** `promise`, unless the signal comes first. What others wait for as well goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
