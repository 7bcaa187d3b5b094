// Requests to this server with the key. Errors are ApiErrors.

import { askKey } from "./key.js";
import { recall } from "./remembered.js";

// `message` is the server's message in English, or empty if the reply comes from a proxy in front of it.
// `values` are the values of the page's string for `code`.
export class ApiError extends Error {
  constructor(message, { status = 0, code = null, param = null, values = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.values = values;
  }
}

// The ApiError of a reply whose status is not 2xx.
export async function failure(response) {
  let error = null;
  try {
    ({ error } = await response.json());
  } catch {
    // Not JSON of this server but probably an error page of a proxy: only the status is used.
  }
  if (typeof error?.message !== "string") return new ApiError("", { status: response.status, code: "not_from_server" });
  return new ApiError(error.message, { status: response.status, code: error.code ?? null, param: error.param ?? null });
}

async function send(path, options, key) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("", { code: "unreachable" });
  }
}

// Like fetch, but opens the key dialog if a key is required, and rejects with an ApiError unless the status is 2xx.
export async function request(path, options = {}) {
  let key = recall("key");
  let response = await send(path, options, key);
  // A late reply may concern the previous key: then no dialog is needed.
  while (response.status === 401 && (recall("key") !== key || (await askKey({ isRefused: Boolean(key) })))) {
    options.signal?.throwIfAborted();
    key = recall("key");
    response = await send(path, options, key);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

export async function requestJson(path, options) {
  return (await request(path, options)).json();
}
