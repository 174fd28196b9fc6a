import type { Client } from "./client.js";

/** As much of axios as is used here, so that the client does without it. */
export interface AxiosLike {
  request(config: any): Promise<any>;
  getUri(config?: any): string;
  interceptors: {
    request: { use(fulfilled: (config: any) => any): number; eject(id: number): void };
    response: { use(fulfilled: (response: any) => any, rejected: (error: any) => any): number; eject(id: number): void };
  };
}

/**
 * Lets every request of `instance` carry the application's key and the access token, as {@link Client.fetch} does: refused once, it
 * refreshes once and sends the request once more, unless its body is a stream. Returns what detaches it.
 *
 * Attach it first: interceptors that are added later run before it, and may still say where a request goes.
 */
export function attachAxios(instance: AxiosLike, client: Client): () => void {
  const authorize = instance.interceptors.request.use(async (config) => {
    // Who brings a credential of their own wants that one.
    if (!config._retry && config.headers.has("Authorization")) return config;
    const authorization = await client.authorize(instance.getUri(config), config);
    for (const [name, value] of Object.entries(authorization.headers)) config.headers.set(name, value);
    if (authorization.credentials) config.withCredentials = true;
    config._authorization = authorization;
    return config;
  });
  /** The answer to the repeated request, or `undefined` if there is nothing to repeat. */
  const repeat = async (config: any, status: number | undefined) => {
    const isStream = typeof config?.data?.pipe === "function" || typeof config?.data?.getReader === "function";
    if (!config?._authorization || config._retry || isStream || !client.isRefused(status)) return undefined;
    if (!(await client.renew(config._authorization, config))) return undefined;
    return instance.request(Object.assign(config, { _retry: true }));
  };
  const retry = instance.interceptors.response.use(
    async (response) => (await repeat(response.config, response.status)) ?? response,
    async (error) => {
      const answer = await repeat(error?.config, error?.response?.status);
      if (!answer) throw error;
      return answer;
    },
  );
  return () => {
    instance.interceptors.request.eject(authorize);
    instance.interceptors.response.eject(retry);
  };
}
