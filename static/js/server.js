// What this page knows of its server: is it there, which models and voices has it.

import { failure, request, requestJson } from "./api.js";
import { byId } from "./element.js";
import { onKey } from "./key.js";

const CALM = 4_000;
const BUSY = 1_000; // while a model is on its way
const RETRIES = [1_000, 2_000, 4_000];
const PATIENCE = 5_000;

const config = JSON.parse(byId("page-config").textContent);

// `state` is connecting, loading, ready, locked (a key is missing), refused (`error` says why) or unreachable.
export const server = { state: "connecting", error: null, health: null, models: [], voices: [], defaultVoice: null };

const listeners = new Set();
const progressListeners = new Set();
let failures = 0;
let timer = null;

// Calls `listener` after each change of `server`.
export function onServer(listener) {
  listeners.add(listener);
}

// Calls `listener` after each check in which a model came further but nothing else changed.
export function onProgress(listener) {
  progressListeners.add(listener);
}

// Whether the page is shown on the machine that the server runs on, so that its reader can run commands there.
export const isSameMachine = () => config.isSameMachine && /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);

// Whether this server's models and voices may be changed from here, as far as a key is not what decides.
export const isOpenToChanges = () => config.isAdminOn;

export const isBusy = (model) => model.state === "downloading" || model.state === "loading";

function changed() {
  for (const listener of listeners) listener();
}

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
  const told = await response.clone().json().catch(() => null);
  if (typeof told?.engine_ready === "boolean") return told; // also with status 503, while no engine is ready
  throw await failure(response);
}

async function readLists() {
  const [models, voices] = await Promise.all([requestJson("v1/models"), requestJson("v1/voices")]);
  server.models = models.data.filter((model) => !model.alias_of);
  server.voices = voices.data;
  server.defaultVoice = voices.default;
}

// Reads which models and voices there are, after this page has changed them.
export async function readAgain() {
  await readLists();
  changed();
}

// A proxy that answers for the server says that it cannot be reached; other refusals have their own words.
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
  clearTimeout(timer); // two checks at once still lead to one more
  // Who gave no key is not asked again and again, and a page that nobody sees asks nothing unless a model is on its way.
  const isIdle = server.state === "locked" || (document.hidden && wait !== BUSY);
  timer = isIdle ? null : setTimeout(checkServer, wait);
  if (server.state !== before || before !== "ready" || isOther) changed(); // a calm check leaves open menus alone
  else for (const listener of progressListeners) listener();
}

// Forgets what a key had opened.
function lock() {
  clearTimeout(timer);
  Object.assign(server, { state: "locked", models: [], voices: [], defaultVoice: null });
  changed();
}

// Some servers show their lists to everybody.
async function readWithoutKey() {
  lock();
  const reply = await fetch("v1/voices", { cache: "no-store" }).catch(() => null);
  if (reply?.ok && server.state === "locked") checkServer();
}

// Another key may open more or less.
function followKey(hasKey) {
  if (!hasKey) return readWithoutKey();
  if (server.state === "connecting") return; // the check under way goes on with the key
  server.state = "connecting";
  checkServer();
}

// Ask for a model to be loaded or unloaded: `action` is "load" or "unload".
export async function askModel(id, action) {
  await request(`admin/models/${id}/${action}`, { method: "POST" });
  await checkServer();
}

// Resolves to the model once nothing is under way with it; rejects when `signal` aborts.
export async function settled(id, signal) {
  await checkServer();
  for (;;) {
    signal.throwIfAborted();
    const model = server.models.find((other) => other.id === id);
    if (!model || !isBusy(model)) return model ?? null;
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve, { once: true });
      const done = () => {
        listeners.delete(done);
        progressListeners.delete(done);
        resolve();
      };
      listeners.add(done);
      progressListeners.add(done);
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
