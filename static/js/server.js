// The state of the server as the page last saw it, with its models and voices.

import { failure, request, requestJson } from "./api.js";
import { byId } from "./element.js";
import { onKey } from "./key.js";
import { signal } from "./signal.js";

const CALM = 4_000; // milliseconds between two checks
const BUSY = 1_000; // while a model is being downloaded or loaded
const RETRIES = [1_000, 2_000, 4_000];
const PATIENCE = 5_000;

const config = JSON.parse(byId("page-config").textContent);

// `state` is connecting, loading, ready, locked (a key is missing), refused (`error` says why) or unreachable.
export const server = { state: "connecting", error: null, health: null, models: [], voices: [], defaultVoice: null };

const changes = signal();
const progress = signal();
let failures = 0;
let timer = null;

// Calls `listener` after each change of `server`.
export const onServer = changes.on;

// Calls `listener` after each check in which only the progress of a model changed.
export const onProgress = progress.on;

// Whether the browser runs on the server's machine, so that the user can run commands there.
export const isSameMachine = () => config.isSameMachine && /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);

// Whether models and voices may be changed from here, apart from the role of the key.
export const isOpenToChanges = () => config.isAdminOn;

export const isBusy = (model) => model.state === "downloading" || model.state === "loading";

// Takes the models' states from /health; returns whether one of them has changed.
function readStates(states = {}) {
  let isOther = false;
  for (const model of server.models) {
    const now = states[model.id] ?? {};
    isOther ||= now.state !== model.state;
    Object.assign(model, { bytes_done: 0, bytes_total: null }, now);
  }
  return isOther;
}

async function readHealth() {
  const response = await fetch("health", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const health = await response.clone().json().catch(() => null);
  if (typeof health?.engine_ready === "boolean") return health; // also with status 503, while no engine is ready
  throw await failure(response);
}

async function readLists() {
  const [models, voices] = await Promise.all([requestJson("v1/models"), requestJson("v1/voices")]);
  server.models = models.data.filter((model) => !model.alias_of);
  server.voices = voices.data;
  server.defaultVoice = voices.default;
}

// Reloads the lists of models and voices, after this page has changed them.
export async function reloadLists() {
  await readLists();
  changes.emit();
}

// The state after a failed check: an error page of a proxy means that the server is unreachable.
function stateAfter(error) {
  if (error.status === 401) return "locked";
  return error.status >= 400 && error.status < 500 ? "refused" : "unreachable";
}

export async function checkServer() {
  clearTimeout(timer);
  const before = server.state;
  let wait = CALM;
  let isOther = false;
  server.error = null;
  try {
    server.health = await readHealth();
    isOther = readStates(server.health.models);
    if (before !== "ready" || isOther) await readLists();
    server.state = server.health.engine_ready ? "ready" : "loading";
    failures = 0;
    if (server.state === "loading") wait = RETRIES[1];
    if (server.models.some(isBusy)) wait = BUSY;
  } catch (error) {
    server.error = error;
    server.state = stateAfter(error);
    wait = RETRIES[Math.min(failures++, RETRIES.length - 1)];
  }
  clearTimeout(timer); // two concurrent checks schedule one further check
  // No checks without a key, and none for a hidden page unless a model is being downloaded or loaded.
  const isIdle = server.state === "locked" || (document.hidden && wait !== BUSY);
  timer = isIdle ? null : setTimeout(checkServer, wait);
  if (server.state !== before || before !== "ready" || isOther) changes.emit(); // a check without changes must not redraw open menus
  else progress.emit();
}

// Drops the data that needed the key.
function lock() {
  clearTimeout(timer);
  Object.assign(server, { state: "locked", models: [], voices: [], defaultVoice: null });
  changes.emit();
}

// Some servers serve their lists without a key.
async function readWithoutKey() {
  lock();
  const reply = await fetch("v1/voices", { cache: "no-store" }).catch(() => null);
  if (reply?.ok && server.state === "locked") checkServer();
}

// Checks the server again with a new key, whose roles may differ.
function followKey(hasKey) {
  if (!hasKey) return readWithoutKey();
  if (server.state === "connecting") return; // the current check uses the new key
  server.state = "connecting";
  checkServer();
}

// Loads or unloads a model: `action` is "load" or "unload".
export async function requestModelAction(id, action) {
  await request(`admin/models/${id}/${action}`, { method: "POST" });
  await checkServer();
}

// Resolves to the model once it is neither downloading nor loading; rejects when `signal` aborts.
export async function waitForModel(id, signal) {
  await checkServer();
  for (;;) {
    signal.throwIfAborted();
    const model = server.models.find((other) => other.id === id);
    if (!model || !isBusy(model)) return model ?? null;
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve, { once: true });
      const done = () => {
        for (const remove of removals) remove();
        resolve();
      };
      const removals = [changes.on(done), progress.on(done)];
    });
  }
}

export function initializeServer() {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && server.state !== "locked" && server.state !== "connecting") checkServer();
  });
  onKey(followKey);
  checkServer();
}
