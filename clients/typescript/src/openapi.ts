export interface paths {}
export interface operations {}
export interface components { schemas: {
  ErrorCode: "invalid_grant"|"invalid_token"|"validation_failed";
  FieldError: { field: string; code: string; detail: string };
  Problem: { type: string; title: string; status: number; detail: string; code: components["schemas"]["ErrorCode"]; errors?: components["schemas"]["FieldError"][] | null };
  TokenResponse: { expires_in: number; access_token?: string; refresh_token?: string; device_token?: string };
  Registration: { user_id: string; user_secret: string; email?: string }; Registered: { user_key: string };
  Credentials: { user_id?: string; user_key?: string; user_secret: string; device_token?: string };
  WhoAmI: { authenticated: boolean }; TokenInfo: { active: true }; Session: { session_id: string; current: boolean }; SessionList: { sessions: components["schemas"]["Session"][] };
}}
