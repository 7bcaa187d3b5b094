// What this page knows of its server: is it there, which models and voices has it.

import { request, requestJson } from "./api.js";

const CALM = 30_000;
const RETRIES = [1_000, 2_000, 4_000, 8_000, 15_000];

export const server = { state: "connecting", health: null, models: [], voices: [], defaultVoice: null };

const listeners = new Set();
let failures = 0;
let timer = null;

// Calls `listener` after each change of `server`.
export function onServer(listener) {
  listeners.add(listener);
}

function changed() {
  for (const listener of listeners) listener();
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

export async function checkServer() {
  clearTimeout(timer);
  const before = server.state;
  let wait = CALM;
  try {
    server.health = await readHealth();
    if (before !== "ready") await readLists();
    server.state = server.health.engine_ready ? "ready" : "loading";
    failures = 0;
    if (server.state === "loading") wait = RETRIES[1];
  } catch (error) {
    server.state = error.status === 401 ? "locked" : "unreachable";
    wait = RETRIES[Math.min(failures++, RETRIES.length - 1)];
  }
  if (server.state !== "locked") timer = setTimeout(checkServer, wait); // who gave no key is not asked again and again
  if (server.state !== before || before !== "ready") changed(); // a calm check leaves open menus alone
}

export function initializeServer() {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && server.state === "unreachable") checkServer();
  });
  checkServer();
}
