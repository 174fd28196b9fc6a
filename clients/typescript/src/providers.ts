import type { Abortable, Client } from "./client.js";
import { GateletError, type ErrorCode } from "./errors.js";
import type { components } from "./openapi.js";

type IdentityList = components["schemas"]["IdentityList"];

export interface ProvidersOptions {
  /** The application's id: a navigation has no `Api-Key`. Without it, the deployment's default application. */
  clientId?: string | undefined;
  /** Who sends the codes: the stack's output `Issuer`. By default, the API at the client's `baseUrl`. */
  issuer?: string | undefined;
  /** Where it is kept what a return is held against, while the page is away; `sessionStorage` by default, which is this tab's own. */
  storage?: FlowStorage | undefined;
  /** Leaves for an address; `location.assign` by default. */
  open?: ((url: string) => unknown) | undefined;
}

/** As much of `sessionStorage` as is needed. What it answers may be a promise. */
export interface FlowStorage {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, value: string): void | Promise<void>;
  removeItem(name: string): void | Promise<void>;
}

export interface Departure {
  /** Where the browser comes back to: one of the application's allowed addresses, to the letter. It may be another page than this one. */
  returnTo: string;
  /** What {@link Providers.finish} is to answer, such as where in the page somebody was. It is kept here and sent nowhere. */
  state?: string | undefined;
}

/** What has come of it. */
export interface Return {
  /** Whether somebody is signed in now, or the user who was signed in has one more way to do so. */
  did: "signIn" | "link";
  provider: string;
  state: string | undefined;
}

/** What is kept while the page is away. */
interface Flow extends Return {
  /** Our own `state` parameter, which nobody else knows. */
  id: string;
  /** Of the code, if there will be one (RFC 7636 §4.1). */
  verifier: string | undefined;
  /** Which sign-in a link is meant for. */
  session: number | undefined;
}

/** What a return has in its address. */
const PARAMETERS = ["code", "iss", "error", "state"] as const;

/** Signing in at providers with `client`. It sends nothing before it is used. */
export function createProviders(client: Client, options: ProvidersOptions = {}): Providers {
  return new Providers(client, options);
}

/** Methods are bound. */
export class Providers {
  readonly #client: Client;
  readonly #options: ProvidersOptions;
  readonly #name: string;

  /** @internal */
  constructor(client: Client, options: ProvidersOptions) {
    this.#client = client;
    this.#options = options;
    this.#name = `gatelet:flow:${client._api.origin}:${options.clientId ?? ""}`;
  }

  /** Leaves the page, to sign in at `provider`. */
  signIn = (provider: string, departure: Departure): Promise<void> => this.#leave({ did: "signIn", provider, session: undefined }, departure);

  /** Leaves the page, to give the user who is signed in `provider` as a further way to sign in. */
  link = async (provider: string, departure: Departure): Promise<void> =>
    this.#leave({ did: "link", provider, session: await this.#signedIn() }, departure);

  /**
   * To be called by the page at `returnTo`: ends what has begun with `signIn` or `link`, and takes its traces out of the address. An
   * address without any is `undefined`. Rejects with what kept the person from it, and with `invalid_state`, sending nothing, if this tab has
   * not begun it.
   */
  finish = async (url: string | URL = location.href): Promise<Return | undefined> => {
    const { searchParams } = new URL(url);
    const [code, iss, error, id] = PARAMETERS.map((name) => searchParams.get(name));
    if (code === null && error === null && id === null) return undefined;
    clean(`${url}`);
    const { verifier, session, did, provider, state } = await this.#take(id);
    const ours = this.#options.issuer ?? this.#client._api.url("");
    if (iss === null ? code !== null : iss !== ours) throw new GateletError("invalid_state", `the answer is not from ${ours}`);
    if (error) throw new GateletError(error as ErrorCode, "the sign-in at the provider came to nothing");
    if ((code === null) !== (verifier === undefined)) {
      throw new GateletError("unexpected_answer", "the application's delivery is not what this client was told");
    }
    const proof = { code, code_verifier: verifier };
    // A code is sent once and never again: a second time ends what came of the first (RFC 6749 §4.1.2).
    if (did === "link") {
      if ((await this.#signedIn()) !== session) throw new GateletError("not_signed_in", "somebody else has signed in meanwhile");
      await this.#client._ask("POST", "/identities", {}, true, proof);
    } else if (verifier) await this.#client._session.begin("/oauth/exchange", () => proof);
    else if ((await this.#client._session.restore(true)).id === undefined) {
      throw new GateletError("not_signed_in", "the browser has not kept the cookies");
    }
    return { did, provider, state };
  };

  /** By what the user can sign in. */
  identities = async (abortable?: Abortable): Promise<IdentityList> =>
    (await this.#client._ask("GET", "/identities", abortable)) as IdentityList;

  /** Removes an identity, and says what is left. Rejects with `last_credential` if nothing would be. */
  unlink = async (identityId: string, abortable?: Abortable): Promise<IdentityList> =>
    (await this.#client._ask("DELETE", `/identities/${encodeURIComponent(identityId)}`, abortable)) as IdentityList;

  async #leave(what: Pick<Flow, "did" | "provider" | "session">, { returnTo, state }: Departure): Promise<void> {
    const isLink = what.did === "link";
    const verifier = isLink || !this.#client._cookies ? random() : undefined;
    const flow: Flow = { ...what, id: random(), verifier, state };
    const query = new URLSearchParams({ return_to: returnTo, state: flow.id });
    if (this.#options.clientId) query.set("client_id", this.#options.clientId);
    if (isLink) query.set("link", "true");
    if (verifier) {
      query.set("code_challenge", await challenge(verifier));
      query.set("code_challenge_method", "S256");
    }
    await this.#storage.setItem(this.#name, JSON.stringify(flow));
    const { open = (url: string) => location.assign(url) } = this.#options;
    await open(`${this.#client._api.url(`/oauth/${encodeURIComponent(what.provider)}`)}?${query}`);
  }

  /** What was begun as `id`. It is gone then, before anything is sent. What a stranger's link says does not undo it. */
  async #take(id: string | null | undefined): Promise<Flow> {
    const kept = await this.#storage.getItem(this.#name);
    const flow = kept ? (JSON.parse(kept) as Flow) : undefined;
    if (flow?.id !== id || !flow) throw new GateletError("invalid_state", "this sign-in was not begun here, or is over");
    await this.#storage.removeItem(this.#name);
    return flow;
  }

  /** Which sign-in the session comes from. */
  async #signedIn(): Promise<number | undefined> {
    const { id, session } = await this.#client._session.known();
    if (id === undefined) throw new GateletError("not_signed_in", "this needs a session");
    return session;
  }

  get #storage(): FlowStorage {
    return this.#options.storage ?? sessionStorage;
  }
}

/** Takes a return out of the page's address: a code in it would get into the history, and a reload would be one more return. */
function clean(url: string): void {
  if (globalThis.location?.href !== url) return;
  const left = new URL(url);
  for (const name of PARAMETERS) left.searchParams.delete(name);
  history.replaceState(history.state, "", left);
}

/** 256 random bits. */
function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** RFC 7636 §4.2. */
async function challenge(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (character) => ({ "+": "-", "/": "_" })[character] ?? "");
}
