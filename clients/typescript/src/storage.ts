/**
 * What a client remembers of its session.
 *
 * `id` is there as long as there is a session. A client with cookies never sees a token, and remembers the times only.
 */
export interface Tokens {
  /** Which tokens these are: another number after each refresh. */
  id?: number;
  /** Which sign-in they come from. */
  session?: number;
  /** When the access token expires, in milliseconds since 1970 by this device's clock. */
  expiresAt?: number;
  /** When to refresh it, a while before that. */
  refreshAt?: number;
  accessToken?: string;
  refreshToken?: string;
  /** Outlives the session: it makes this device a known one at the next sign-in. */
  deviceToken?: string;
}

/**
 * Where a client keeps its {@link Tokens}. `get` answers `undefined` if nothing was ever kept.
 *
 * If several pages share one, each `set` must be seen by every later `get`.
 */
export interface TokenStorage {
  get(): Tokens | undefined | Promise<Tokens | undefined>;
  set(tokens: Tokens): void | Promise<void>;
}

/** Keeps tokens as long as the page lives. */
export function memoryStorage(): TokenStorage {
  let kept: Tokens | undefined;
  return { get: () => kept, set: (tokens) => void (kept = tokens) };
}

/**
 * Keeps what a client with cookies remembers, which is no secret, where all tabs of the origin see it; in memory where there is
 * no such place, or as long as it takes nothing.
 */
export function sharedStorage(name: string): TokenStorage {
  let refused: Tokens | undefined;
  return {
    get() {
      if (refused) return refused;
      try {
        const text = localStorage.getItem(name);
        return text === null ? undefined : (JSON.parse(text) as Tokens);
      } catch {
        return undefined;
      }
    },
    set(tokens) {
      try {
        localStorage.setItem(name, JSON.stringify(tokens));
        refused = undefined;
      } catch {
        refused = tokens;
      }
    },
  };
}
