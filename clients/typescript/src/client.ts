import { GateletError, refusal } from "./errors.js";
import type { components } from "./openapi.js";
import { Session, type SessionEvent } from "./session.js";
import { memoryStorage, sharedStorage, type TokenStorage } from "./storage.js";

type Schemas = components["schemas"];

/** The API's paths begin with this. */
const BASE_PATH = "/api/v1/auth";
/** How long an answer of the API may take, in milliseconds: longer than its functions may run (10 s). */
const TIMEOUT_MS = 12_000;

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
  /** Which access token it is: what {@link Client.renew} wants if it was refused; `undefined` without a session. */
  expiresAt: number | undefined;
}

/** A request that can be given up. */
export interface Abortable {
  signal?: AbortSignal | null | undefined;
}

export interface Client {
  /** Makes an account, and does not sign in. */
  register(account: Schemas["Registration"], options?: Abortable): Promise<Schemas["Registered"]>;
  /** Signs in with a password. */
  signIn(credentials: Omit<Schemas["Credentials"], "device_token">): Promise<void>;
  /** Ends the session. If the server can't be reached, it rejects and the session goes on. */
  signOut(): Promise<void>;
  /** Refreshes now. There is seldom a reason: each request does so if it is time. */
  refresh(options?: Abortable): Promise<void>;
  /** Asks for a session of this browser's cookies that began elsewhere, and says whether there is one. */
  restore(): Promise<boolean>;
  /** Whether there is a session, as far as is known here; asks the server only if nothing is. */
  signedIn(options?: Abortable): Promise<boolean>;
  /** Who is calling: anonymous, or a user. */
  whoami(options?: Abortable): Promise<Schemas["WhoAmI"]>;
  /** The access token's claims, checked against the session right now. */
  tokenInfo(options?: Abortable): Promise<Schemas["TokenInfo"]>;
  /** The user's sessions on all devices, the last used first. */
  sessions(options?: Abortable): Promise<Schemas["Session"][]>;
  /** Ends one session of the user. */
  endSession(sessionId: string, options?: Abortable): Promise<void>;
  /** Ends all sessions of the user, this one included unless it is kept. */
  endSessions(options?: Abortable & { keepCurrent?: boolean | undefined }): Promise<void>;
  /**
   * `fetch` with the application's key and the access token, to allowed origins only. Without a session it is sent without a token. If the
   * answer says that the token is not good, it is refreshed once and the request is sent once more.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** What a request to `url` needs, refreshed if it is time. */
  authorize(url: string | URL, options?: Abortable): Promise<Authorization>;
  /** Refreshes unless that has happened since {@link Authorization.expiresAt}; rejects if the session is over. */
  renew(expiresAt: number, options?: Abortable): Promise<void>;
  /** Whether an answer of this status means that the access token is not good any more. */
  isRefused(status: number | undefined): boolean;
  /** Calls `listener` at an event of the session, in whichever tab it happens. Returns what ends that. */
  on(event: SessionEvent, listener: () => void): () => void;
  /** Stops listening to other tabs. */
  close(): void;
}

/** Makes a client. It sends nothing before it is used. */
export function createClient(options: ClientOptions): Client {
  const { apiKey, delivery, refreshOn = [401] } = options;
  const base = new URL(options.baseUrl);
  const cookies = delivery === "cookie";
  const name = `gatelet:${base.origin}:${apiKey ?? ""}`;
  const storage = options.storage ?? (cookies ? sharedStorage(name) : memoryStorage());
  const origins = new Set([base.origin, globalThis.location?.origin, ...(options.origins ?? []).map((url) => new URL(url).origin)]);
  const key: Record<string, string> = apiKey ? { "Api-Key": apiKey } : {};
  const listeners = new Set<[SessionEvent, () => void]>();
  const send: typeof fetch = (input, init) => (options.fetch ?? globalThis.fetch)(input, init);

  const session = new Session(name, cookies, storage, call, (event) => {
    for (const [wanted, listener] of listeners) if (wanted === event) listener();
  });

  /** A request to the API that carries no access token. */
  async function call(path: string, body: object | undefined, given?: AbortSignal | null): Promise<unknown> {
    const headers = body ? { ...key, "Content-Type": "application/json" } : key;
    const signal = given ?? AbortSignal.timeout(TIMEOUT_MS);
    const init: RequestInit = { method: "POST", headers, credentials: cookies ? "include" : "omit", cache: "no-store", signal };
    return answer(given, (failed) => send(endpoint(path), body ? { ...init, body: JSON.stringify(body) } : init).catch(failed));
  }

  /** A request to the API that needs a session, or wants to know whether there is one. */
  async function ask(method: string, path: string, { signal }: Abortable = {}, needed = true): Promise<unknown> {
    if (needed && !(await signedIn({ signal }))) throw new GateletError("not_signed_in", "this needs a session");
    const request = new Request(endpoint(path), { method, cache: "no-store", signal: signal ?? null });
    return answer(signal, (failed) => authorized(request, (input) => send(input).catch(failed)));
  }

  function endpoint(path: string): string {
    return base.origin + BASE_PATH + path;
  }

  async function authorize(url: string | URL, { signal }: Abortable = {}): Promise<Authorization> {
    const { origin } = new URL(url, globalThis.location?.href);
    // Whoever gets an access token can use it.
    if (!origins.has(origin)) throw new TypeError(`${origin} is not among the client's \`origins\`: it gets no access token`);
    const { accessToken, expiresAt } = await session.ready(signal);
    const headers = accessToken ? { ...key, Authorization: `Bearer ${accessToken}` } : key;
    return { headers, credentials: cookies ? "include" : undefined, expiresAt };
  }

  async function authorized(request: Request, send: typeof fetch): Promise<Response> {
    // Who brings a credential of their own wants that one.
    if (request.headers.has("Authorization")) return send(request);
    const authorization = await authorize(request.url, request);
    const response = await send(withAuthorization(request.clone(), authorization));
    const { expiresAt } = authorization;
    if (expiresAt === undefined || !isRefused(response.status)) return response;
    await session.renew(expiresAt, request.signal);
    await response.body?.cancel();
    return send(withAuthorization(request, await authorize(request.url, request)));
  }

  function isRefused(status: number | undefined): boolean {
    return status !== undefined && refreshOn.includes(status);
  }

  async function signedIn({ signal }: Abortable = {}): Promise<boolean> {
    return (await session.ready(signal)).expiresAt !== undefined;
  }

  async function endSessions(path: string, isOwn: boolean, abortable: Abortable | undefined): Promise<void> {
    await ask("DELETE", path, abortable);
    if (isOwn) await session.ended();
  }

  return {
    register: async (account, { signal } = {}) => (await call("/register", account, signal)) as Schemas["Registered"],
    signIn: (credentials) => session.begin(credentials),
    signOut: () => session.end(),
    async refresh({ signal } = {}) {
      const { expiresAt } = await session.ready(signal);
      if (expiresAt === undefined) throw new GateletError("not_signed_in", "there is no session to refresh");
      await session.renew(expiresAt, signal);
    },
    restore: async () => (await session.restore()).expiresAt !== undefined,
    signedIn,
    whoami: async (abortable) => (await ask("GET", "/whoami", abortable, false)) as Schemas["WhoAmI"],
    tokenInfo: async (abortable) => (await ask("GET", "/token-info", abortable)) as Schemas["TokenInfo"],
    sessions: async (abortable) => ((await ask("GET", "/sessions", abortable)) as Schemas["SessionList"]).sessions,
    endSession: (id, abortable) => endSessions(`/sessions/${encodeURIComponent(id)}`, false, abortable),
    endSessions: (all = {}) => endSessions(all.keepCurrent ? "/sessions?keep_current=true" : "/sessions", !all.keepCurrent, all),
    fetch: async (input, init) => authorized(new Request(input, init), send),
    authorize,
    async renew(expiresAt, { signal } = {}) {
      await session.renew(expiresAt, signal);
    },
    isRefused,
    on(event, listener) {
      const entry: [SessionEvent, () => void] = [event, listener];
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    close: () => session.close(),
  };
}

function withAuthorization(request: Request, { headers, credentials }: Authorization): Request {
  const authorized = new Request(request, credentials ? { credentials } : undefined);
  for (const [name, value] of Object.entries(headers)) authorized.headers.set(name, value);
  return authorized;
}

/**
 * What the API answers, if it is a success. An abort by the caller, whose signal is `given`, stays one; whatever else keeps an answer from
 * coming is `network_error`.
 */
async function answer(given: AbortSignal | null | undefined, request: (failed: (cause: unknown) => never) => Promise<Response>): Promise<unknown> {
  const failed = (cause: unknown): never => {
    if (given?.aborted) throw cause;
    throw new GateletError("network_error", "no answer came", 0, { cause });
  };
  const response = await request(failed);
  if (!response.ok) throw await refusal(response);
  return response.json().catch(failed);
}
