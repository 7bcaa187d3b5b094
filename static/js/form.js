// The values of the form: read for a request, filled from the history, stored between visits.

import { clipFile, setClip } from "./clip/clip.js";
import { readControls, wantControls } from "./controls.js";
import { byId } from "./element.js";
import { decimal, onLanguage } from "./language.js";
import { selectedModel, chooseModel } from "./model.js";
import { clearProblem } from "./problem.js";
import { recall, remember } from "./remembered.js";
import { spokenLanguage, wantLanguage } from "./spoken.js";
import { replaceText, setText } from "./text.js";
import { chooseVoice } from "./voice.js";

// {text, model, voice, language, normalization, speed, seed, controls, clip}; `seed` is a string as typed, `clip` a File or null,
// `normalization` "auto" or "off".
export function readForm() {
  return {
    text: byId("text").value,
    model: selectedModel()?.id ?? null,
    voice: byId("voice").value || null,
    language: spokenLanguage(),
    normalization: byId("normalization").checked ? "auto" : "off",
    speed: byId("speed").valueAsNumber,
    seed: byId("seed").value.trim(),
    controls: readControls(),
    clip: clipFile(),
  };
}

// Fills the form with the text and the settings of a result, as edits that can be undone. The seed is not changed: with that of an earlier
// result, every new one would be the same.
export function fillForm(values) {
  replaceText(values.text ?? "");
  fillSettings(values);
  setClip(values.clip ?? null);
}

function fillSettings(values) {
  chooseModel(values.model ?? null);
  chooseVoice(values.voice ?? null);
  wantLanguage(values.language ?? null);
  byId("normalization").checked = values.normalization !== "off";
  wantControls(values.controls ?? {});
  byId("speed").value = values.speed ?? 1;
  showSpeed();
}

function showSpeed() {
  byId("speed-value").textContent = `${decimal(byId("speed").valueAsNumber, 2)} ×`;
}

export function newSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
}

function save() {
  const { text, clip, ...settings } = readForm();
  remember("text", text);
  if (settings.model !== null && settings.voice !== null) remember("settings", settings);
}

export function initializeForm() {
  const form = byId("speech-form");
  const settings = recall("settings") ?? {};
  fillSettings(settings);
  byId("seed").value = settings.seed ?? "";
  setText(recall("text") ?? "");
  onLanguage(showSpeed);
  byId("speed").addEventListener("input", showSpeed);
  byId("dice").addEventListener("click", () => {
    byId("seed").value = newSeed();
    byId("seed").dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("input", (event) => {
    if (event.target.name) clearProblem(event.target.name);
  });
  form.addEventListener("input", save);
  form.addEventListener("change", save);
}
