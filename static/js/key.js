// The API key, where the server wants one: asked for in a dialog, changed, forgotten.

import { byId } from "./element.js";
import { t, translate } from "./language.js";
import { recall, remember } from "./remembered.js";

const keyListeners = new Set();
const askedListeners = new Set();
let asking = null;
let problem = () => "";
let isNeeded = JSON.parse(byId("page-config").textContent).needsKey;

// Calls `listener(hasKey)` after a key was saved or forgotten.
export function onKey(listener) {
  keyListeners.add(listener);
}

// Calls `listener(milliseconds)` after the dialog was open for so long.
export function onAsked(listener) {
  askedListeners.add(listener);
}

export const hasKey = () => recall("key") !== null;

// Whether this server wants a key, as far as the page knows.
export const needsKey = () => isNeeded;

// Resolves to true once a key that the server accepts is saved, to false if the dialog is cancelled. Several callers share one dialog.
// `isRefused` says that the key of now was not accepted.
export function askKey({ isRefused = false } = {}) {
  asking ??= ask(isRefused).finally(() => {
    asking = null;
  });
  return asking;
}

export function forgetKey() {
  remember("key", null);
  for (const listener of keyListeners) listener(false);
}

function showProblem(tell) {
  problem = tell;
  byId("key-error").textContent = problem();
  byId("key-error").hidden = problem() === "";
  byId("key").toggleAttribute("aria-invalid", problem() !== "");
}

async function ask(isRefused) {
  const dialog = byId("key-dialog");
  const begun = performance.now();
  isNeeded = true;
  byId("key").value = "";
  byId("key-forget").hidden = !hasKey();
  translate(dialog);
  showProblem(() => (isRefused ? t("key.refused") : ""));
  dialog.returnValue = "";
  dialog.showModal();
  byId("key").focus();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  for (const listener of askedListeners) listener(performance.now() - begun);
  return dialog.returnValue === "saved";
}

// Why a key cannot be used, as a function that says it in words; null where the server accepts it.
async function refusal(key) {
  if (key === "") return () => t("key.missing");
  if (/[^\x21-\xff]/.test(key)) return () => t("key.refused"); // no HTTP header can hold it
  try {
    const response = await fetch("v1/models", { cache: "no-store", headers: { Authorization: `Bearer ${key}` } });
    if (response.status === 401) return () => t("key.refused");
    return response.status === 429 ? () => t("error.rate_limit_exceeded") : null;
  } catch {
    return () => t("error.unreachable");
  }
}

async function save(event) {
  event.preventDefault();
  const key = byId("key").value.trim();
  byId("key-save").disabled = true;
  const wrong = await refusal(key);
  byId("key-save").disabled = false;
  if (!byId("key-dialog").open) return; // cancelled meanwhile
  if (wrong) {
    showProblem(wrong);
    byId("key").select();
    return;
  }
  remember("key", key);
  byId("key-dialog").close("saved");
  for (const listener of keyListeners) listener(true);
}

export function initializeKey() {
  byId("key-form").addEventListener("submit", save);
  byId("key-cancel").addEventListener("click", () => byId("key-dialog").close("cancelled"));
  byId("key-forget").addEventListener("click", () => {
    byId("key-dialog").close("forgotten");
    forgetKey();
  });
  for (const id of ["key-enter", "key-change"]) byId(id).addEventListener("click", () => askKey());
}
