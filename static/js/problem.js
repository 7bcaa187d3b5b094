// Errors in words, beside the field they are about, and the status line.

import { ApiError } from "./api.js";
import { byId, element } from "./element.js";
import { currentLanguage, has, t } from "./language.js";

const FIELDS = {
  custom_voice_file: "clip",
  speaker_wav: "clip",
  audio_prompt: "clip",
  file: "clip",
  voice_b64: "clip",
  voice_url: "clip",
  response_format: "format",
};

// The server speaks English; in another language its sentence follows ours.
export function inWords(error) {
  if (!(error instanceof ApiError)) return error instanceof Error ? t("error.unexpected", { message: error.message }) : String(error);
  const key = `error.${error.code}`;
  if (currentLanguage() === "en" || !has(key)) return error.message;
  return error.code === "unreachable" ? error.message : `${t(key)}（${error.message}）`;
}

function place(field) {
  return document.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
}

function control(field) {
  return byId("speech-form").elements.namedItem(field);
}

export function showProblem(error, field = null) {
  const wanted = field ?? FIELDS[error.param] ?? error.param ?? "general";
  const name = place(wanted) ? wanted : "general";
  const node = place(name);
  node.replaceChildren(inWords(error));
  node.hidden = false;
  control(name)?.setAttribute("aria-invalid", "true");
  if (name !== "general") control(name)?.focus({ preventScroll: false });
}

export function clearProblem(field) {
  const node = place(field);
  if (!node || node.hidden) return;
  node.hidden = true;
  node.replaceChildren();
  control(field)?.removeAttribute("aria-invalid");
}

export function clearProblems() {
  for (const node of document.querySelectorAll("[data-error-for]")) clearProblem(node.dataset.errorFor);
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
