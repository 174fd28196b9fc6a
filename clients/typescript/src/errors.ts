import type { components } from "./openapi.js";

/** The body of a refusal (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** What is wrong with one member of a request. */
export type FieldError = components["schemas"]["FieldError"];

/** What kept somebody from signing in at a provider: mostly `access_denied`, which they said themselves. */
export type ProviderError =
  | "access_denied"
  | "account_selection_required"
  | "consent_required"
  | "interaction_required"
  | "invalid_request"
  | "invalid_scope"
  | "login_required"
  | "server_error"
  | "temporarily_unavailable"
  | "unauthorized_client"
  | "unsupported_response_type";

/**
 * Why something failed: a code of the API's catalogue, what a sign-in at a provider ended with, or one of the client's own:
 *
 * - `network_error`: no answer came (offline, connection broken, timeout). Nothing is known; the session is kept.
 * - `unexpected_answer`: an answer that is not Gatelet's, as a gateway or a proxy in between makes.
 * - `not_signed_in`: this needs a session, there is none, and so nothing was sent.
 */
export type ErrorCode = components["schemas"]["ErrorCode"] | ProviderError | "network_error" | "unexpected_answer" | "not_signed_in";

/** Everything that a client's own methods reject with, but for an abort by the caller. */
export class GateletError extends Error {
  override readonly name = "GateletError";
  /** For programs; stable. */
  readonly code: ErrorCode;
  /** The HTTP status, 0 without an answer. */
  readonly status: number;
  /** How long to wait before the same request may do better, in seconds. */
  readonly retryAfter: number | undefined;
  /** With `validation_failed`: each member that can't be accepted. */
  readonly errors: readonly FieldError[];

  /** @internal */
  constructor(code: ErrorCode, message: string, status = 0, more: More = {}) {
    super(message, more);
    this.code = code;
    this.status = status;
    this.retryAfter = more.retryAfter;
    this.errors = more.errors ?? [];
  }
}

interface More extends ErrorOptions {
  retryAfter?: number | undefined;
  errors?: readonly FieldError[] | undefined;
}

/** What a refusal says. */
export async function refusal(response: Response): Promise<GateletError> {
  const problem = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined;
  const code = problem?.code ?? "unexpected_answer";
  const message = problem?.detail ?? `the server answered ${response.status}`;
  const facts = { retryAfter: retryAfter(response.headers.get("Retry-After")), errors: problem?.errors };
  return new GateletError(code, message, response.status, facts);
}

/** `Retry-After` in seconds, from either of its forms (RFC 9110 §10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return seconds >= 0 ? seconds : undefined;
}

/** Whether the same request may do better later: no answer, or one that decides nothing (RFC 9110 §15.5.9, RFC 6585 §4). */
export function isPassing(error: unknown): error is GateletError {
  return error instanceof GateletError && (error.code === "network_error" || [408, 429].includes(error.status) || error.status >= 500);
}

/** Whether the session is over: nothing else is a definite end. */
export function isEnd(error: unknown): boolean {
  return error instanceof GateletError && error.status === 401 && error.code === "invalid_grant";
}
