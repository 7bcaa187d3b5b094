// Error messages beside their fields, and the status line.

import { byId, element } from "./element.js";
import { errorMessage } from "./explain.js";
import { onLanguage } from "./language.js";
import { checkServer, onServer, server } from "./server.js";

export { errorMessage };

const FIELDS = {
  custom_voice_file: "clip",
  speaker_wav: "clip",
  audio_prompt: "clip",
  file: "clip",
  voice_b64: "clip",
  voice_url: "clip",
  response_format: "format",
};
const CONNECTION = new Set(["unreachable", "interrupted", "interrupted_at_once"]);

const shown = new Map(); // field -> error

function place(field) {
  return document.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
}

function control(field) {
  return byId("speech-form").elements.namedItem(field);
}

export function showProblem(error, field = null) {
  const wanted = field ?? FIELDS[error.param] ?? error.param ?? "general";
  const name = place(wanted) ? wanted : "general";
  shown.set(name, error);
  repeatProblem(name);
  control(name)?.setAttribute("aria-invalid", "true");
  if (name !== "general") control(name)?.focus({ preventScroll: false });
  if (CONNECTION.has(error.code)) checkServer();
}

function repeatProblem(name) {
  const node = place(name);
  if (!node) return; // its field was removed
  node.replaceChildren(errorMessage(shown.get(name)));
  node.hidden = false;
}

export function clearProblem(field) {
  shown.delete(field);
  const node = place(field);
  if (!node || node.hidden) return;
  node.hidden = true;
  node.replaceChildren();
  control(field)?.removeAttribute("aria-invalid");
}

export function clearProblems() {
  for (const node of document.querySelectorAll("[data-error-for]")) clearProblem(node.dataset.errorFor);
}

// Removes messages that the server is unreachable, once it answers.
function clearUnreachable() {
  if (server.state !== "ready" && server.state !== "loading") return;
  for (const [field, error] of shown) if (error.code === "unreachable") clearProblem(field);
}

// The status is a function, so that it can be repeated in another language.
let words = () => "";

// `live` is "off" for text that changes often, which a screen reader should not announce.
export function showStatus(getText, live = "polite") {
  words = getText;
  byId("status").setAttribute("aria-live", live);
  repeatStatus();
}

export function repeatStatus() {
  byId("status").textContent = words();
}

// An element for the errors of a field that is created by script.
export function problemElement(field) {
  return element("p", { class: "field-error", id: `${field}-error`, "data-error-for": field, role: "alert", hidden: true });
}

export function initializeProblem() {
  onServer(clearUnreachable);
  onLanguage(() => {
    for (const field of shown.keys()) repeatProblem(field);
  });
}
