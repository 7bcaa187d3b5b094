// The text, its counter and the sample texts.

import { byId, element } from "./element.js";
import { currentLanguage, onLanguage, t } from "./language.js";
import { onModel, selectedModel } from "./model.js";
import { clearProblem } from "./problem.js";
import { SAMPLES } from "./samples.js";

export function textLimit() {
  return Number(byId("text").dataset.max);
}

// Characters as the server counts them: code points, not UTF-16 units.
export function textLength() {
  return [...byId("text").value].length;
}

export function setText(text) {
  byId("text").value = text;
  byId("text").dispatchEvent(new Event("input", { bubbles: true }));
}

// About how long the text takes to speak, in seconds: 14.5 characters a second, 4.2 of Chinese, Japanese or Korean.
export function estimateSeconds(text, speed = 1) {
  const pauses = [...text.matchAll(/\[pause:\s*([\d.]+)\s*s?\]/gi)].reduce((sum, pause) => sum + Number(pause[1] || 0), 0);
  const spoken = [...text.replace(/\[[^\]]*\]/g, "").trim()];
  const wide = spoken.filter((letter) => /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u.test(letter)).length;
  return pauses + (wide / 4.2 + (spoken.length - wide) / 14.5) / speed;
}

function showCounter() {
  const length = textLength();
  const counter = byId("counter");
  counter.textContent = t("text.counter", { length: length.toLocaleString(currentLanguage()), limit: textLimit().toLocaleString(currentLanguage()) });
  counter.dataset.over = String(length > textLimit());
}

function showSamples() {
  const languages = selectedModel()?.languages ?? ["en"];
  const chips = SAMPLES.filter((sample) => languages.includes(sample.language)).map((sample) =>
    element("button", { type: "button", class: "chip", onclick: () => useSample(sample) }, t(`sample.${sample.name}`)),
  );
  byId("samples").replaceChildren(...chips);
}

function useSample(sample) {
  setText(sample.text);
  byId("text").focus();
}

export function initializeText() {
  byId("text").addEventListener("input", () => {
    showCounter();
    clearProblem("input");
  });
  onLanguage(showCounter);
  onLanguage(showSamples);
  onModel(showSamples);
}
