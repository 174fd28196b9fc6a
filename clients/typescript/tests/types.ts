// What the types promise. This is compiled and never run: `@ts-expect-error` fails if the next line has no error.
import axios from "axios";
import { attachAxios, createClient, createProviders, GateletError, memoryStorage, type Client, type ErrorCode, type Providers, type Tokens, type TokenStorage } from "../dist/index.js";

declare const apiKey: string | undefined;
const client: Client = createClient({ baseUrl: "https://auth.example.com", apiKey, delivery: "body", storage: memoryStorage() });
const detach: () => void = attachAxios(axios.create(), client);
attachAxios(axios, client);

// @ts-expect-error: how tokens are delivered has to be said
createClient({ baseUrl: "https://auth.example.com" });
// @ts-expect-error: in one of two ways
createClient({ baseUrl: "https://auth.example.com", delivery: "header" });

await client.register({ user_id: "ada", user_secret: "nine teal kettles sing", email: "ada@example.com" });
// @ts-expect-error: a password is required
await client.register({ user_id: "ada" });
await client.signIn({ user_id: "ada", user_secret: "nine teal kettles sing" });
await client.signIn({ user_key: "c1063f8a-e20b-48b5-bf09-b4748c85520c", user_secret: "nine teal kettles sing" });
// @ts-expect-error: the client knows its device itself
await client.signIn({ user_id: "ada", user_secret: "nine teal kettles sing", device_token: "gl_dt_" });

const who = await client.whoami({ signal: AbortSignal.timeout(1000) });
if (who.authenticated) {
  const key: string = who.user_key;
  const permissions: readonly string[] = who.permissions;
  void [key, permissions];
} else {
  // @ts-expect-error: nobody has no key
  void who.user_key;
}

const current: boolean = (await client.sessions())[0]!.current;
const expires: number = (await client.tokenInfo()).exp;
const fetchLike: typeof fetch = client.fetch;
const request = await client.authorize("https://auth.example.com/orders");
const newer: Record<string, string> | undefined = (await client.renew(request))?.headers;
const stop: () => void = client.on("sessionEnded", () => {});
// @ts-expect-error: there is no such event
client.on("signedOut", () => {});

const providers: Providers = createProviders(client, { clientId: "c1063f8a-e20b-48b5-bf09-b4748c85520c", storage: sessionStorage });
await providers.signIn("google", { returnTo: "https://app.example.com/signed-in", state: "/orders" });
// @ts-expect-error: where to come back to has to be said
await providers.link("google", {});
const back = await providers.finish();
// @ts-expect-error: a page that nobody has come back to has nothing
void back.state;
const names: string[] = (await providers.unlink("id")).identities.map(({ provider, email }) => email ?? provider);
// @ts-expect-error: what the modules have of each other is nobody else's
void client._session;
void [back?.did === "link", names];

const storage: TokenStorage = { get: async (): Promise<Tokens | undefined> => undefined, set: async (tokens: Tokens) => void tokens };
void [current, expires, fetchLike, stop, storage, detach, newer];

function explain(error: unknown): string {
  if (!(error instanceof GateletError)) return "?";
  const codes: Partial<Record<ErrorCode, string>> = { invalid_credentials: "Wrong password", too_many_attempts: `Wait ${error.retryAfter ?? 1} s`, network_error: "Offline", access_denied: "Cancelled" };
  // @ts-expect-error: codes are those of the catalogue
  if (error.code === "no_such_code") return "";
  return codes[error.code] ?? error.errors.map((wrong) => `${wrong.field}: ${wrong.detail}`).join(", ");
}
void explain;
