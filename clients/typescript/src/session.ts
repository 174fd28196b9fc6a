import { GateletError, isEnd } from "./errors.js";
import type { components } from "./openapi.js";
import { patiently, unlessAborted } from "./retry.js";
import type { Tokens, TokenStorage } from "./storage.js";
import { Bell, exclusively } from "./tabs.js";

type TokenResponse = components["schemas"]["TokenResponse"];

/** What happens to a session, in this tab or in another. */
export type SessionEvent = "signedIn" | "refreshed" | "sessionEnded";

/** A request to the API itself. Rejects with a {@link GateletError} unless the answer is a success. */
export type Call = (path: string, body: object | undefined) => Promise<unknown>;

/** An access token that expires sooner than this, in milliseconds, may not arrive in time. */
const TRAVEL_MS = 5_000;

/**
 * The one place where tokens change. Every change happens under a lock that all tabs share, begins with a look at what is stored, and
 * stores what it got before anybody uses it.
 */
export class Session {
  readonly #name: string;
  readonly #cookies: boolean;
  readonly #storage: TokenStorage;
  readonly #call: Call;
  readonly #emit: (event: SessionEvent) => void;
  readonly #bell: Bell;
  /** What this page knew last, once it has looked. */
  #known: Tokens | undefined;
  /** What the storage would not take: the page goes on with it, because an older token must not come back. */
  #unsaved: Tokens | undefined;
  /** The refresh that is under way: single flight. */
  #flight: Promise<Tokens> | undefined;

  constructor(name: string, cookies: boolean, storage: TokenStorage, call: Call, emit: (event: SessionEvent) => void) {
    this.#name = name;
    this.#cookies = cookies;
    this.#storage = storage;
    this.#call = call;
    this.#emit = emit;
    // What can't be read now can't be read at the next use either, which will say so.
    this.#bell = new Bell(name, () => void this.#read().catch(() => {}));
  }

  /** Tokens that are good for a request to come, refreshed if it is time; without `expiresAt` there is no session. */
  async ready(signal?: AbortSignal | null): Promise<Tokens> {
    const tokens = await this.#read();
    if (!tokens) return this.#cookies ? unlessAborted(this.#refresh(undefined), signal) : {};
    const { expiresAt, refreshAt = 0 } = tokens;
    const now = Date.now();
    if (expiresAt === undefined || now < refreshAt) return tokens;
    const refreshed = this.#refresh(expiresAt);
    if (now > expiresAt - TRAVEL_MS) return unlessAborted(refreshed, signal);
    refreshed.catch(() => {}); // There is time: the next request tries again.
    return tokens;
  }

  /** Newer tokens than those that expire at `expiresAt`. Rejects with the refusal if the session turns out to be over. */
  async renew(expiresAt: number | undefined, signal?: AbortSignal | null): Promise<Tokens> {
    let tokens = await unlessAborted(this.#refresh(expiresAt), signal);
    // A flight that others had begun may have ended at the very tokens that were refused.
    if (tokens.expiresAt === expiresAt) tokens = await unlessAborted(this.#refresh(expiresAt), signal);
    if (tokens.expiresAt === undefined) throw new GateletError("not_signed_in", "there is no session any more");
    return tokens;
  }

  /** Asks the server for the session of this browser's cookies, whatever was known of it. Whoever keeps tokens knows. */
  restore(): Promise<Tokens> {
    if (!this.#cookies) return this.ready();
    return exclusively(this.#name, () => patiently(() => this.#exchange(undefined)));
  }

  /** Signs in. The session that was there before ends. */
  begin(credentials: object): Promise<void> {
    return exclusively(this.#name, async () => {
      const old = await this.#read();
      const device = old?.deviceToken;
      const asked = Date.now();
      const answer = await this.#call("/authenticate", device ? { ...credentials, device_token: device } : credentials);
      await this.#keep(this.#tokensOf(answer as Partial<TokenResponse>, asked, { deviceToken: device }));
      // A browser's cookies name the old session by themselves. One that can't be ended now ends when it has been idle.
      if (old?.refreshToken) await this.#call("/logout", { refresh_token: old.refreshToken }).catch(() => {});
    });
  }

  /** Signs out. If the server can't be reached, the session goes on, here too. */
  end(): Promise<void> {
    return exclusively(this.#name, () =>
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

  /** The server has ended the session by another request. */
  async ended(): Promise<void> {
    await exclusively(this.#name, async () => this.#keep({ deviceToken: (await this.#read())?.deviceToken }));
  }

  close(): void {
    this.#bell.close();
  }

  #refresh(expiresAt: number | undefined): Promise<Tokens> {
    const fly = async () => {
      const stored = await this.#read();
      // Somebody else has refreshed, signed in or signed out meanwhile. Where there is no session, nothing is sent.
      if (stored && (stored.expiresAt === undefined || stored.expiresAt !== expiresAt)) return stored;
      return patiently(async () => this.#exchange(await this.#read()));
    };
    this.#flight ??= exclusively(this.#name, fly).finally(() => (this.#flight = undefined));
    return this.#flight;
  }

  /** One exchange of the refresh token. `old` is `undefined` if nobody knows whether there is a session. */
  async #exchange(old: Tokens | undefined): Promise<Tokens> {
    if (!this.#cookies && !old?.refreshToken) return old ?? {};
    const asked = Date.now();
    try {
      const answer = await this.#call("/refresh", this.#cookies ? undefined : { refresh_token: old?.refreshToken });
      return await this.#keep(this.#tokensOf(answer as Partial<TokenResponse>, asked, old));
    } catch (error) {
      if (!isEnd(error)) throw error;
      const now = await this.#read();
      // Without locks, another tab can have signed in again while this one's token was under way.
      if (now && old && now.expiresAt !== old.expiresAt) return now;
      const none = await this.#keep({ deviceToken: old?.deviceToken });
      if (old) throw error;
      return none;
    }
  }

  async #read(): Promise<Tokens | undefined> {
    const tokens = this.#unsaved ?? (await this.#storage.get());
    this.#notice(tokens ?? {});
    return tokens;
  }

  async #keep(tokens: Tokens): Promise<Tokens> {
    this.#unsaved = tokens;
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
    if (now.expiresAt === before.expiresAt) return;
    if (now.expiresAt === undefined) this.#emit("sessionEnded");
    else this.#emit(now.since === before.since ? "refreshed" : "signedIn");
  }

  #tokensOf(answer: Partial<TokenResponse>, asked: number, old: Tokens | undefined): Tokens {
    const lifetime = (answer.expires_in ?? NaN) * 1000;
    // What a network's own sign-in page says must not be taken for tokens, and displace some.
    if (!(lifetime > 0 && (this.#cookies || answer.access_token))) throw new GateletError("unexpected_answer", "these are no tokens", 200);
    return {
      since: old?.since ?? asked,
      expiresAt: asked + lifetime,
      // Jitter, so that clients which signed in together do not refresh together.
      refreshAt: asked + lifetime * (0.7 + 0.2 * Math.random()),
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? old?.refreshToken,
      deviceToken: answer.device_token ?? old?.deviceToken,
    };
  }
}
