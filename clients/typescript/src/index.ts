export { attachAxios, type AxiosLike } from "./axios.js";
export { createClient, type Abortable, type Authorization, type Client, type ClientOptions } from "./client.js";
export { GateletError, type ErrorCode, type FieldError, type Problem, type ProviderError } from "./errors.js";
export { createProviders, type Departure, type FlowStorage, type Providers, type ProvidersOptions, type Return } from "./providers.js";
export type { SessionEvent } from "./session.js";
export { memoryStorage, type Tokens, type TokenStorage } from "./storage.js";
export type { components, operations, paths } from "./openapi.js";
