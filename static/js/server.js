// What this page knows of its server: is it there, which models and voices has it.

import { request, requestJson } from "./api.js";

const CALM = 30_000;
const BUSY = 1_000; // while a model is on its way
const RETRIES = [1_000, 2_000, 4_000, 8_000, 15_000];

export const server = { state: "connecting", health: null, models: [], voices: [], defaultVoice: null };

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
  const response = await fetch("health", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
  return response.json(); // 503 while no engine is ready has a body, too
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

export async function checkServer() {
  clearTimeout(timer);
  const before = server.state;
  let wait = CALM;
  let isOther = false;
  try {
    server.health = await readHealth();
    isOther = readStates(server.health.models);
    if (before !== "ready" || isOther) await readLists();
    server.state = server.health.engine_ready ? "ready" : "loading";
    failures = 0;
    if (server.state === "loading") wait = RETRIES[1];
    if (server.models.some(isBusy)) wait = BUSY;
  } catch (error) {
    server.state = error.status === 401 ? "locked" : "unreachable";
    wait = RETRIES[Math.min(failures++, RETRIES.length - 1)];
  }
  clearTimeout(timer); // two checks at once still lead to one more
  if (server.state !== "locked") timer = setTimeout(checkServer, wait); // who gave no key is not asked again and again
  if (server.state !== before || before !== "ready" || isOther) changed(); // a calm check leaves open menus alone
  else for (const listener of progressListeners) listener();
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
    if (!document.hidden && server.state === "unreachable") checkServer();
  });
  checkServer();
}
