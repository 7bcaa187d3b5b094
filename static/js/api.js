// Requests to this server: the key, and failures as an ApiError with words.

import { t } from "./language.js";
import { askKey } from "./key.js";
import { recall } from "./remembered.js";

export class ApiError extends Error {
  constructor(message, { status = 0, code = null, param = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

async function failure(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Not our server's JSON, perhaps a proxy's page: the status has to do.
  }
  const message = typeof error.message === "string" ? error.message : t("error.status", { status: response.status });
  return new ApiError(message, { status: response.status, code: error.code ?? null, param: error.param ?? null });
}

async function send(path, options, key) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(t("error.unreachable"), { code: "unreachable" });
  }
}

// Like fetch, but asks for a key where the server wants one, and rejects with an ApiError unless the status is 2xx.
export async function request(path, options = {}) {
  let key = recall("key");
  let response = await send(path, options, key);
  // A reply may come late, when another request has got a new key already: then there is nothing to ask.
  while (response.status === 401 && (recall("key") !== key || (await askKey()))) {
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
