import { Api } from "./api.js";
import { GateletError, isEnd } from "./errors.js";
import type { components } from "./openapi.js";
import { unlessAborted } from "./retry.js";
import { Session, type SessionEvent } from "./session.js";
import { memoryStorage, sharedStorage, type Tokens, type TokenStorage } from "./storage.js";

type Schemas = components["schemas"];

export interface ClientOptions {
  /** Where Gatelet is, without `/api/v1/auth`: the stack's output `BaseUrl`. */
  baseUrl: string;
  /** The application's publishable key, `pk_…`. Without it, the deployment's default application serves the requests. */
  apiKey?: string | undefined;
  /** How the application gets its tokens: `cookie` (a browser keeps them, no script can read them) or `body`. */
  delivery: "cookie" | "body";
  /** Where tokens are kept; with cookies, where it is kept when they expire. Memory by default, with cookies `localStorage`. */
  storage?: TokenStorage | undefined;
  /** Origins besides the page's own and Gatelet's that may be sent the access token. */
  origins?: readonly string[] | undefined;
  /** Statuses that mean that an access token is not good any more. Add 403 behind an API Gateway authorizer. */
  refreshOn?: readonly number[] | undefined;
  /** Does the requests; the global `fetch` by default. */
  fetch?: typeof fetch | undefined;
}

/** What a request needs, to send it with something else than {@link Client.fetch}. */
export interface Authorization {
  headers: Record<string, string>;
  /** With cookies: `include` must be the request's `credentials` (`withCredentials` of XMLHttpRequest). */
  credentials: "include" | undefined;
  /** Which access token it is, and which sign-in it comes from: what {@link Client.renew} wants to know. `undefined` without a session. */
  token: { id: number; session: number | undefined } | undefined;
}

/** A request that can be given up. */
export interface Abortable {
  signal?: AbortSignal | null | undefined;
}

/** Makes a client. It sends nothing before it is used. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/** Methods are bound: `client.fetch` can be handed on as it is. */
export class Client {
  /** @internal */
  readonly _api: Api;
  /** @internal */
  readonly _cookies: boolean;
  /** @internal */
  readonly _session: Session;
  readonly #origins: ReadonlySet<string | undefined>;
  readonly #refreshOn: readonly number[];
  readonly #listeners = new Set<[SessionEvent, () => void]>();

  /** @internal */
  constructor(options: ClientOptions) {
    const { baseUrl, apiKey, delivery, origins = [], refreshOn = [401] } = options;
    this._cookies = delivery === "cookie";
    this._api = new Api(baseUrl, apiKey, this._cookies, options.fetch);
    const name = `gatelet:${this._api.origin}:${apiKey ?? ""}`;
    const storage = options.storage ?? (this._cookies ? sharedStorage(name) : memoryStorage());
    const call = (path: string, body: object | undefined) => this._api.post(path, body);
    this._session = new Session(name, this._cookies, storage, call, (event) => this.#tell(event));
    this.#origins = new Set([this._api.origin, globalThis.location?.origin, ...origins.map((url) => new URL(url).origin)]);
    this.#refreshOn = refreshOn;
  }

  /** Makes an account, and does not sign in. */
  register = async (account: Schemas["Registration"], { signal }: Abortable = {}): Promise<Schemas["Registered"]> =>
    (await this._api.post("/register", account, signal)) as Schemas["Registered"];

  /** Signs in with a password. Whoever gives up may be signed in all the same. */
  signIn = (credentials: Omit<Schemas["Credentials"], "device_token">, { signal }: Abortable = {}): Promise<void> =>
    unlessAborted(this._session.begin("/authenticate", (device_token) => ({ ...credentials, device_token })), signal);

  /** Ends the session. If the server can't be reached, it rejects and the session goes on. */
  signOut = ({ signal }: Abortable = {}): Promise<void> => unlessAborted(this._session.end(), signal);

  /** Refreshes now. There is seldom a reason: each request does so if it is time. */
  refresh = async ({ signal }: Abortable = {}): Promise<void> => {
    const { id } = await this._session.known(signal);
    if (id === undefined) throw new GateletError("not_signed_in", "there is no session to refresh");
    await this._session.renew(id, signal);
  };

  /** Asks for a session of this browser's cookies that began elsewhere, and says whether there is one. */
  restore = async ({ signal }: Abortable = {}): Promise<boolean> => isSession(await unlessAborted(this._session.restore(), signal));

  /** Whether there is a session, as far as is known here; asks the server only if nothing is. */
  signedIn = async ({ signal }: Abortable = {}): Promise<boolean> => isSession(await this._session.known(signal));

  /** Who is calling: anonymous, or a user. */
  whoami = async (abortable?: Abortable): Promise<Schemas["WhoAmI"]> => {
    const { id } = await this._session.known(abortable?.signal);
    const user = (await this._ask("GET", "/whoami", abortable, false)) as Schemas["WhoAmI"];
    // The cookies are gone, by another request or by the browser's doing: not without looking whether that is the end.
    if (user.authenticated || id === undefined || (await this._session.known()).id !== id) return user;
    await this._session.renew(id, abortable?.signal);
    return (await this._ask("GET", "/whoami", abortable, false)) as Schemas["WhoAmI"];
  };

  /** The access token's claims, checked against the session right now. */
  tokenInfo = async (abortable?: Abortable): Promise<Schemas["TokenInfo"]> =>
    (await this._ask("GET", "/token-info", abortable)) as Schemas["TokenInfo"];

  /** The user's sessions on all devices, the last used first. */
  sessions = async (abortable?: Abortable): Promise<Schemas["Session"][]> =>
    ((await this._ask("GET", "/sessions", abortable)) as Schemas["SessionList"]).sessions;

  /** Ends one session of the user. */
  endSession = async (sessionId: string, abortable?: Abortable): Promise<void> => {
    await this._ask("DELETE", `/sessions/${encodeURIComponent(sessionId)}`, abortable);
    // It may have been this one, whose end is told by looking.
    await this.whoami(abortable).catch((error: GateletError) => {
      if (!isEnd(error) && error.code !== "not_signed_in") throw error;
    });
  };

  /** Ends all sessions of the user, this one included unless it is kept. */
  endSessions = async ({ keepCurrent, signal }: Abortable & { keepCurrent?: boolean | undefined } = {}): Promise<void> => {
    const { session } = await this._session.known(signal);
    await this._ask("DELETE", keepCurrent ? "/sessions?keep_current=true" : "/sessions", { signal });
    if (!keepCurrent) await this._session.ended(session);
  };

  /**
   * `fetch` with the application's key and the access token, to allowed origins only. Without a session it is sent without a token. If the
   * answer says that the token is not good, it is refreshed once and the request is sent once more.
   */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => this.#authorized(new Request(input, init), this._api.send);

  /** What a request to `url` needs, refreshed if it is time. */
  authorize = async (url: string | URL, { signal }: Abortable = {}): Promise<Authorization> => {
    const { origin } = new URL(url, globalThis.location?.href);
    // Whoever gets an access token can use it.
    if (!this.#origins.has(origin)) throw new TypeError(`${origin} is not among the client's \`origins\`: it gets no access token`);
    return this.#authorization(await this._session.ready(signal));
  };

  /**
   * A newer authorization than one that was refused, which costs a refresh unless that has happened meanwhile. `undefined` if somebody else has
   * signed in since: their requests are not these. Rejects if the session is over.
   */
  renew = async ({ token }: Authorization, { signal }: Abortable = {}): Promise<Authorization | undefined> => {
    if (!token) return undefined;
    const tokens = await this._session.renew(token.id, signal);
    return tokens.session === token.session ? this.#authorization(tokens) : undefined;
  };

  /** Whether an answer of this status means that the access token is not good any more. */
  isRefused = (status: number | undefined): boolean => status !== undefined && this.#refreshOn.includes(status);

  /** Calls `listener` at an event of the session, in whichever tab it happens. Returns what ends that. */
  on = (event: SessionEvent, listener: () => void): (() => void) => {
    const entry: [SessionEvent, () => void] = [event, listener];
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  };

  /** Stops listening to other tabs. */
  close = (): void => this._session.close();

  /** @internal A request to the API that needs a session, or wants to know whether there is one. */
  async _ask(method: string, path: string, { signal }: Abortable = {}, needed = true, body?: object): Promise<unknown> {
    const tokens = await this._session.ready(signal);
    if (needed && !isSession(tokens)) throw new GateletError("not_signed_in", "this needs a session");
    return this._api.answer(signal, (inTime, failed) =>
      this.#authorized(this._api.request(method, path, body, inTime), (input) => this._api.send(input).catch(failed), signal),
    );
  }

  /** `signal` ends the waiting for a refresh, which has a time of its own. */
  async #authorized(request: Request, send: typeof fetch, signal: AbortSignal | null | undefined = request.signal): Promise<Response> {
    // Who brings a credential of their own wants that one.
    if (request.headers.has("Authorization")) return send(request);
    const authorization = await this.authorize(request.url, { signal });
    const response = await send(withAuthorization(request.clone(), authorization));
    if (!this.isRefused(response.status)) return response;
    const newer = await this.renew(authorization, { signal });
    if (!newer) return response;
    await response.body?.cancel();
    return send(withAuthorization(request, newer));
  }

  #authorization({ accessToken, id, session }: Tokens): Authorization {
    const headers = accessToken ? { ...this._api.key, Authorization: `Bearer ${accessToken}` } : this._api.key;
    return { headers, credentials: this._cookies ? "include" : undefined, token: id === undefined ? undefined : { id, session } };
  }

  /** What a listener throws is its own. */
  #tell(event: SessionEvent): void {
    for (const [wanted, listener] of this.#listeners) if (wanted === event) queueMicrotask(listener);
  }
}

function isSession(tokens: Tokens): boolean {
  return tokens.id !== undefined;
}

function withAuthorization(request: Request, { headers, credentials }: Authorization): Request {
  const authorized = new Request(request, credentials ? { credentials } : undefined);
  for (const [name, value] of Object.entries(headers)) authorized.headers.set(name, value);
  return authorized;
}
