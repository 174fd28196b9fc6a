import { GateletError, isEnd } from "./errors.js";
import type { components } from "./openapi.js";
import { patiently, unlessAborted } from "./retry.js";
import type { Tokens, TokenStorage } from "./storage.js";
import { Bell, Turn } from "./tabs.js";

type TokenResponse = Partial<components["schemas"]["TokenResponse"]>;

/** What happens to a session, in this tab or in another. */
export type SessionEvent = "signedIn" | "refreshed" | "sessionEnded";

/** A request to the API itself. Rejects with a {@link GateletError} unless the answer is a success. */
export type Call = (path: string, body: object | undefined) => Promise<unknown>;

/** An access token that expires sooner than this, in milliseconds, may not arrive in time. */
const TRAVEL_MS = 5_000;

/**
 * The one place where tokens change. Every change takes its turn, begins with a look at what is stored, and stores what it got before
 * anybody uses it.
 */
export class Session {
  readonly #cookies: boolean;
  readonly #storage: TokenStorage;
  readonly #call: Call;
  readonly #emit: (event: SessionEvent) => void;
  readonly #turn: Turn;
  readonly #bell: Bell;
  /** What this page knew last, once it has looked. */
  #known: Tokens | undefined;
  /** What the storage would not take, and what stood there instead: an older token must not come back. */
  #unsaved: { tokens: Tokens; instead: number | undefined } | undefined;
  /** The refresh that is under way: single flight. */
  #flight: Promise<Tokens> | undefined;

  constructor(name: string, cookies: boolean, storage: TokenStorage, call: Call, emit: (event: SessionEvent) => void) {
    this.#cookies = cookies;
    this.#storage = storage;
    this.#call = call;
    this.#emit = emit;
    this.#turn = new Turn(name);
    // What can't be read now can't be read at the next use either, which will say so.
    this.#bell = new Bell(name, () => void this.#read().catch(() => {}));
  }

  /** Tokens that are good for a request to come, refreshed if it is time; without `id` there is no session. */
  async ready(signal?: AbortSignal | null): Promise<Tokens> {
    const tokens = await this.known(signal);
    const { id, expiresAt = 0, refreshAt = 0 } = tokens;
    const now = Date.now();
    if (id === undefined || now < refreshAt) return tokens;
    const refreshed = this.#refresh(id);
    if (now > expiresAt - TRAVEL_MS) return unlessAborted(refreshed, signal);
    refreshed.catch(() => {}); // There is time: the next request tries again.
    return tokens;
  }

  /** What is known of the session. Where nothing is, a client with cookies asks. */
  async known(signal?: AbortSignal | null): Promise<Tokens> {
    const tokens = await this.#read();
    return tokens ?? (this.#cookies ? unlessAborted(this.#refresh(undefined), signal) : {});
  }

  /** Newer tokens than `id`. Rejects with the refusal if the session turns out to be over. */
  async renew(id: number, signal?: AbortSignal | null): Promise<Tokens> {
    let tokens = await unlessAborted(this.#refresh(id), signal);
    // A flight that others had begun may have ended at the very tokens that were refused.
    if (tokens.id === id) tokens = await unlessAborted(this.#refresh(id), signal);
    if (tokens.id === undefined) throw new GateletError("not_signed_in", "there is no session any more");
    return tokens;
  }

  /**
   * Asks the server for the session of this browser's cookies, whatever was known of it; `isAnother` says that somebody has signed in since.
   * Whoever keeps tokens knows.
   */
  restore(isAnother = false): Promise<Tokens> {
    if (!this.#cookies) return this.known();
    return this.#turn.take(() => patiently(async () => this.#exchange(await this.#read(), false, isAnother)));
  }

  /** Signs in, by what `proof` makes of the device's token. The session that was there before ends. */
  begin(path: string, proof: (deviceToken: string | undefined) => object): Promise<void> {
    return this.#turn.take(async () => {
      const { deviceToken, refreshToken } = (await this.#read()) ?? {};
      const asked = Date.now();
      const answer = await this.#call(path, proof(deviceToken));
      await this.#keep(this.#tokensOf(answer as TokenResponse, asked, { deviceToken }));
      // A browser's cookies name the old session by themselves. One that can't be ended now ends when it has been idle.
      if (refreshToken) await this.#call("/logout", { refresh_token: refreshToken }).catch(() => {});
    });
  }

  /** Signs out. If the server can't be reached, the session goes on, here too. */
  end(): Promise<void> {
    return this.#turn.take(() =>
      patiently(async () => {
        const { refreshToken, deviceToken } = (await this.#read()) ?? {};
        if (!this.#cookies && !refreshToken) return;
        try {
          await this.#call("/logout", this.#cookies ? undefined : { refresh_token: refreshToken });
        } catch (error) {
          const isOver = error instanceof GateletError && error.code === "invalid_token";
          if (!isOver) throw error;
        }
        await this.#keep({ deviceToken });
      }),
    );
  }

  /** The server has ended `session` by another request. */
  ended(session: number | undefined): Promise<void> {
    return this.#turn.take(async () => {
      const stored = await this.#read();
      if (stored?.session === session) await this.#keep({ deviceToken: stored?.deviceToken });
    });
  }

  close(): void {
    this.#bell.close();
  }

  #refresh(id: number | undefined): Promise<Tokens> {
    const fly = async () => {
      const stored = await this.#read();
      // Somebody else has refreshed, signed in or signed out meanwhile. Where there is no session, nothing is sent.
      if (stored && (stored.id === undefined || stored.id !== id)) return stored;
      return patiently(async () => this.#exchange(await this.#read(), true));
    };
    this.#flight ??= this.#turn.take(fly).finally(() => (this.#flight = undefined));
    return this.#flight;
  }

  /** One exchange of the refresh token. `old` is `undefined` if nobody knows whether there is a session. */
  async #exchange(old: Tokens | undefined, isExpected: boolean, isAnother = false): Promise<Tokens> {
    if (!this.#cookies && !old?.refreshToken) return old ?? {};
    const asked = Date.now();
    let fresh: Tokens | undefined;
    let end: unknown;
    try {
      const answer = await this.#call("/refresh", this.#cookies ? undefined : { refresh_token: old?.refreshToken });
      fresh = this.#tokensOf(answer as TokenResponse, asked, isAnother ? undefined : old);
    } catch (error) {
      if (!isEnd(error)) throw error;
      end = error;
    }
    const now = await this.#read();
    // Without locks, another tab can have stored something meanwhile. That goes, whatever this answer is: a successor that
    // nobody uses is one that got lost, and a sign-in or a sign-out must not be undone.
    if (now?.id !== old?.id) return now ?? {};
    const kept = await this.#keep(fresh ?? { deviceToken: old?.deviceToken });
    if (end && isExpected && old?.id !== undefined) throw end;
    return kept;
  }

  async #read(): Promise<Tokens | undefined> {
    const stored = await this.#storage.get();
    // Somebody else could write: that is news.
    if (this.#unsaved && stored?.id !== this.#unsaved.instead) this.#unsaved = undefined;
    const tokens = this.#unsaved?.tokens ?? stored;
    this.#notice(tokens ?? {});
    return tokens;
  }

  async #keep(tokens: Tokens): Promise<Tokens> {
    this.#unsaved = { tokens, instead: (await this.#storage.get())?.id };
    await this.#storage.set(tokens);
    this.#unsaved = undefined;
    this.#notice(tokens);
    this.#bell.ring();
    return tokens;
  }

  /** Says what has changed since this page looked last. */
  #notice(now: Tokens): void {
    const before = this.#known ?? now;
    this.#known = now;
    if (now.id === before.id) return;
    if (now.id === undefined) this.#emit("sessionEnded");
    else this.#emit(now.session === before.session ? "refreshed" : "signedIn");
  }

  #tokensOf(answer: TokenResponse, asked: number, old: Tokens | undefined): Tokens {
    const lifetime = (answer.expires_in ?? NaN) * 1000;
    // What a network's own sign-in page says must not be taken for tokens, and displace some. Nor may tokens that were
    // promised as cookies get where scripts can read them.
    if (!(lifetime > 0) || this.#cookies === (answer.access_token !== undefined)) {
      throw new GateletError("unexpected_answer", "these are no tokens, or not delivered as this client was told", 200);
    }
    return {
      id: Math.random(),
      session: old?.session ?? Math.random(),
      expiresAt: asked + lifetime,
      // Jitter, so that clients which signed in together do not refresh together.
      refreshAt: asked + lifetime * (0.7 + 0.2 * Math.random()),
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? old?.refreshToken,
      deviceToken: answer.device_token ?? old?.deviceToken,
    };
  }
}
