import type { Client } from "./client.js";

/** As much of axios as is used here, so that the client does without it. */
export interface AxiosLike {
  request(config: any): Promise<any>;
  getUri(config?: any): string;
  interceptors: {
    request: { use(fulfilled: (config: any) => any): number; eject(id: number): void };
    response: { use(fulfilled: null, rejected: (error: any) => any): number; eject(id: number): void };
  };
}

/**
 * Lets every request of `instance` carry the application's key and the access token, as {@link Client.fetch} does: refused once, it
 * refreshes once and sends the request once more. Returns what detaches it.
 */
export function attachAxios(instance: AxiosLike, client: Client): () => void {
  const authorize = instance.interceptors.request.use(async (config) => {
    // Who brings a credential of their own wants that one.
    if (!config._retry && config.headers.has("Authorization")) return config;
    const { headers, credentials, expiresAt } = await client.authorize(instance.getUri(config), config);
    for (const [name, value] of Object.entries(headers)) config.headers.set(name, value);
    if (credentials) config.withCredentials = true;
    config._expiresAt = expiresAt;
    return config;
  });
  const retry = instance.interceptors.response.use(null, async (error) => {
    const config = error?.config;
    if (!config || config._retry || config._expiresAt === undefined || !client.isRefused(error.response?.status)) throw error;
    config._retry = true;
    await client.renew(config._expiresAt, config);
    return instance.request(config);
  });
  return () => {
    instance.interceptors.request.eject(authorize);
    instance.interceptors.response.eject(retry);
  };
}
