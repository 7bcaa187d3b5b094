// The API key, if the server requires one: entered in a dialog, changed, removed.

import { byId } from "./element.js";
import { t, translate } from "./language.js";
import { recall, remember } from "./remembered.js";
import { signal } from "./signal.js";

const keyChanges = signal();
const dialogClosings = signal();
let asking = null;
let problem = () => "";
let isNeeded = JSON.parse(byId("page-config").textContent).needsKey;

// Calls `listener(hasKey)` after a key was saved or removed.
export const onKey = keyChanges.on;

// Calls `listener(milliseconds)` when the dialog closes, with the time for which it was open.
export const onDialogClosed = dialogClosings.on;

export const hasKey = () => recall("key") !== null;

// Whether the server requires a key, by its last reply.
export const needsKey = () => isNeeded;

// Resolves to true when a key that the server accepts was saved, to false if the dialog is cancelled. Several callers share one dialog.
// `isRefused`: the current key was not accepted.
export function askKey({ isRefused = false } = {}) {
  asking ??= ask(isRefused).finally(() => {
    asking = null;
  });
  return asking;
}

export function forgetKey() {
  remember("key", null);
  keyChanges.emit(false);
}

function showProblem(getText) {
  problem = getText;
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
  dialogClosings.emit(performance.now() - begun);
  return dialog.returnValue === "saved";
}

// Checks a key; resolves to a function that returns the error message, or to null if the server accepts it.
async function refusal(key) {
  if (key === "") return () => t("key.missing");
  if (/[^\x21-\xff]/.test(key)) return () => t("key.refused"); // not allowed in an HTTP header
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
  keyChanges.emit(true);
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
