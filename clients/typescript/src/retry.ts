import { GateletError, isPassing } from "./errors.js";

/** How long one answer may take, in milliseconds: longer than the API's functions may run (10 s). */
export const TIMEOUT_MS = 12_000;
/** How often something is tried before the caller is told. */
const ATTEMPTS = 4;
/** No further try begins later than this after the first, in milliseconds. */
const BUDGET_MS = 30_000;
/** The first pause, in milliseconds; each further one is twice as long. */
const PAUSE_MS = 300;

/** Tries again what failed for the moment, after a pause with jitter that is at least what `Retry-After` asks for. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + BUDGET_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const asked = error instanceof GateletError ? (error.retryAfter ?? 0) * 1000 : 0;
      const wait = asked + PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random());
      if (!isPassing(error) || tries === ATTEMPTS || Date.now() + wait > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
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

/** A signal that comes when the time is up, or when the caller gives up. */
export function inTime(given: AbortSignal | null | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  return given ? (AbortSignal.any?.([given, timeout]) ?? given) : timeout;
}
