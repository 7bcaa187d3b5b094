// Requests to this server: the key, and failures as an ApiError.

import { askKey } from "./key.js";
import { recall } from "./remembered.js";

// `message` is the server's sentence in English, or empty where the reply is not from this server but from a proxy before it.
// `values` are what the page's own words for `code` need.
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
    // Not this server's JSON, but perhaps a proxy's page: the status has to do.
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

// Like fetch, but asks for a key where the server wants one, and rejects with an ApiError unless the status is 2xx.
export async function request(path, options = {}) {
  let key = recall("key");
  let response = await send(path, options, key);
  // A reply may come late, when another request has got a new key already: then there is nothing to ask.
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
