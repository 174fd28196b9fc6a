import { GateletError, refusal } from "./errors.js";
import { inTime } from "./retry.js";

/** The API's paths begin with this. */
const BASE_PATH = "/api/v1/auth";

/** The API itself: where it is, and how its answers are read. */
export class Api {
  readonly origin: string;
  /** What every request says of the application. */
  readonly key: Record<string, string>;
  readonly send: typeof fetch;
  readonly #credentials: RequestCredentials;

  constructor(baseUrl: string, apiKey: string | undefined, cookies: boolean, send: typeof fetch | undefined) {
    this.origin = new URL(baseUrl).origin;
    this.key = apiKey ? { "Api-Key": apiKey } : {};
    this.send = (input, init) => (send ?? globalThis.fetch)(input, init);
    // Cookies of another application must not come along with tokens in bodies.
    this.#credentials = cookies ? "include" : "omit";
  }

  /** A request without an access token. */
  post(path: string, body: object | undefined, given?: AbortSignal | null): Promise<unknown> {
    const init = { ...inJson("POST", body, this.key), credentials: this.#credentials };
    return this.answer(given, (signal, failed) => this.send(this.url(path), { ...init, signal }).catch(failed));
  }

  /** A request that is not sent yet. */
  request(method: string, path: string, body: object | undefined, signal: AbortSignal): Request {
    return new Request(this.url(path), { ...inJson(method, body), signal });
  }

  /**
   * What is answered, if it is a success. An abort by the caller, whose signal is `given`, stays one; whatever else keeps an answer from
   * coming is `network_error`.
   */
  async answer(
    given: AbortSignal | null | undefined,
    ask: (signal: AbortSignal, failed: (cause: unknown) => never) => Promise<Response>,
  ): Promise<unknown> {
    const failed = (cause: unknown): never => {
      if (given?.aborted) throw cause;
      throw new GateletError("network_error", "no answer came", 0, { cause });
    };
    const response = await ask(inTime(given), failed);
    if (!response.ok) throw await refusal(response);
    return response.json().catch(failed);
  }

  url(path: string): string {
    return this.origin + BASE_PATH + path;
  }
}

function inJson(method: string, body: object | undefined, key: Record<string, string> = {}): RequestInit {
  const headers = body ? { ...key, "Content-Type": "application/json" } : key;
  return { method, headers, cache: "no-store", body: body ? JSON.stringify(body) : null };
}
