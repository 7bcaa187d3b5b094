// The text box: its counter, the sample texts, and replacements that can be undone.

import { byId, element } from "./element.js";
import { clock, currentLanguage, onLanguage, t } from "./language.js";
import { onModel, selectedModel } from "./model.js";
import { clearProblem } from "./problem.js";
import { SAMPLES } from "./samples.js";
import { showToast } from "./toast.js";

const LONGEST_EDIT = 50_000; // characters; for more of them, or more line breaks, the browser's own edit takes seconds
const MOST_BREAKS = 500;
const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/gu;

let unrecorded = null; // {before, after} of a replacement that the browser's undo does not include

export function textLimit() {
  return Number(byId("text").dataset.max);
}

// Characters as the server counts them: code points, not UTF-16 units.
export function textLength() {
  return [...byId("text").value].length;
}

// Sets the initial text, without an edit that could be undone.
export function setText(text) {
  byId("text").value = text;
  byId("text").dispatchEvent(new Event("input", { bubbles: true }));
}

// Inserts `text` at the selection, or replaces all, as one edit that the browser can undo. Focuses the box.
export function editText(text, isWhole = false) {
  const box = byId("text");
  box.focus({ preventScroll: true });
  if (isWhole) box.select();
  if (text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text)) return;
  box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// Replaces the whole text, as an edit that the browser can undo.
export function replaceText(text) {
  const box = byId("text");
  const after = text.replace(/\r\n?/g, "\n");
  const before = box.value;
  if (after === before) return;
  if (Math.max(after.length, before.length) <= LONGEST_EDIT && after.split("\n").length <= MOST_BREAKS) {
    editText(after, true);
  } else {
    unrecorded = { before, after };
    setText(after);
  }
  box.setSelectionRange(0, 0);
  box.scrollTop = 0;
}

// Replaces the whole text and, if that removes text of the user, offers to undo it.
export function replaceTextWithOffer(text) {
  const before = byId("text").value;
  replaceText(text);
  if (before.trim() && before !== byId("text").value) {
    showToast(() => t("text.replaced"), { key: "text.undo", act: () => replaceText(before) });
  }
}

function undoUnrecorded(event) {
  const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!isUndo || byId("text").value !== unrecorded?.after) return;
  event.preventDefault();
  setText(unrecorded.before);
  unrecorded = null;
}

// Estimated duration of the speech in seconds: 14.5 characters a second, 4.2 of Chinese, Japanese or Korean.
export function estimateSeconds(text, speed = 1) {
  const pauses = [...text.matchAll(/\[pause:\s*([\d.]+)\s*s?\]/gi)].reduce((sum, pause) => sum + Number(pause[1] || 0), 0);
  const spoken = [...text.replace(/\[[^\]]*\]/g, "").trim()];
  const wide = spoken.filter((letter) => letter.match(WIDE)).length;
  return pauses + (wide / 4.2 + (spoken.length - wide) / 14.5) / speed;
}

// Words between spaces; of Chinese, Japanese and Korean the characters.
function countWords(text) {
  const wide = text.match(WIDE)?.length ?? 0;
  const rest = text.replace(/\[[^\]]*\]/g, " ").replace(WIDE, " ");
  return wide + (rest.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0);
}

const grouped = (number) => number.toLocaleString(currentLanguage());

function aboutHowLong() {
  return clock(Math.max(1, Math.round(estimateSeconds(byId("text").value, byId("speed").valueAsNumber || 1))));
}

// The message for a text that is too long.
export function tooLongMessage() {
  return t("error.too_long", { length: grouped(textLength()), limit: grouped(textLimit()), time: aboutHowLong() });
}

function showCounter() {
  const length = textLength();
  const counter = byId("counter");
  const words = countWords(byId("text").value);
  const parts = [t("text.counter", { length: grouped(length), limit: grouped(textLimit()) })];
  if (words) parts.unshift(words === 1 ? t("text.word") : t("text.words", { count: grouped(words) }), t("text.about", { time: aboutHowLong() }));
  counter.textContent = parts.join(" · ");
  counter.dataset.over = String(length > textLimit());
}

function showSamples() {
  const languages = selectedModel()?.languages ?? ["en"];
  const chips = SAMPLES.filter((sample) => languages.includes(sample.language)).map((sample) =>
    element("button", { type: "button", class: "chip", onclick: () => replaceTextWithOffer(sample.text) }, t(`sample.${sample.name}`)),
  );
  byId("samples").replaceChildren(...chips);
}

export function initializeText() {
  byId("text").addEventListener("input", () => {
    showCounter();
    clearProblem("input");
  });
  byId("text").addEventListener("keydown", undoUnrecorded);
  byId("speed").addEventListener("input", showCounter);
  onLanguage(showCounter);
  onLanguage(showSamples);
  onModel(showSamples);
}
