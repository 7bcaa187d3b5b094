// Errors beside the field they are about, and the status line.

import { byId, element } from "./element.js";
import { inWords } from "./explain.js";
import { onLanguage } from "./language.js";
import { checkServer, onServer, server } from "./server.js";

export { inWords };

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
  if (!node) return; // its field is gone
  node.replaceChildren(inWords(shown.get(name)));
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

// That the server cannot be reached is not true any more once it answers.
function clearUnreachable() {
  if (server.state !== "ready" && server.state !== "loading") return;
  for (const [field, error] of shown) if (error.code === "unreachable") clearProblem(field);
}

// The status is a function, so that it follows a change of language.
let words = () => "";

// `live` is "off" for what changes many times a second and would only disturb those who listen to the page.
export function showStatus(tell, live = "polite") {
  words = tell;
  byId("status").setAttribute("aria-live", live);
  repeatStatus();
}

export function repeatStatus() {
  byId("status").textContent = words();
}

// A place for errors of a field that is made by script.
export function problemPlace(field) {
  return element("p", { class: "field-error", id: `${field}-error`, "data-error-for": field, role: "alert", hidden: true });
}

export function initializeProblem() {
  onServer(clearUnreachable);
  onLanguage(() => {
    for (const field of shown.keys()) repeatProblem(field);
  });
}
