// "How it will be read": a panel with the spoken form of the text, updated when the text or the settings change.

import { requestJson } from "../api.js";
import { onClip } from "../clip/clip.js";
import { byId } from "../element.js";
import { readForm } from "../form.js";
import { onLanguage, t } from "../language.js";
import { onModel } from "../model.js";
import { errorMessage } from "../problem.js";
import { onServer } from "../server.js";
import { textLength, textLimit, tooLongMessage } from "../text.js";
import { changeWords, markedNodes } from "./marked.js";

const PAUSE = 400; // milliseconds without input before the request is sent

let isOpen = false;
let timer = null;
let asking = null; // AbortController
let shown = null; // {input, reply}
let failed = null; // a function that returns the error message
let marks = []; // {node, change}

function nameOf(code) {
  try {
    return new Intl.DisplayNames(document.documentElement.lang, { type: "language" }).of(code);
  } catch {
    return code; // the browser has no name for this code
  }
}

function summary({ language, changes, removed_voices: removed = [] }) {
  const count = changes.length === 1 ? t("reading.one_change") : t("reading.changes", { count: changes.length });
  const words = [t("reading.language", { language: nameOf(language) }), changes.length ? count : t("reading.unchanged")];
  if (removed.length) words.push(t("reading.removed_voices", { names: removed.join(", ") }));
  return words.join(" ");
}

// Tab reaches one mark; the arrow keys move between marks.
function point(index) {
  for (const [at, { node }] of marks.entries()) node.tabIndex = at === index ? 0 : -1;
  byId("reading-detail").textContent = marks[index] ? changeWords(marks[index].change) : "";
}

function select(index) {
  if (!marks[index]) return;
  point(index);
  marks[index].node.focus();
}

function onKey(event) {
  const at = marks.findIndex(({ node }) => node === document.activeElement);
  const last = marks.length - 1;
  const next = { ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last, " ": at, Enter: at }[event.key];
  if (at < 0 || next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation(); // else the space bar would start the player
  select(next);
}

function showReply() {
  const { input, reply } = shown;
  marks = [];
  byId("reading-summary").textContent = summary(reply);
  byId("reading-words").lang = reply.language;
  byId("reading-words").replaceChildren(...markedNodes(input, reply.changes, (node, change) => marks.push({ node, change })));
  byId("reading-words").tabIndex = marks.length ? -1 : 0; // a long text without marks can be scrolled by the keyboard
  point(0);
  byId("reading-detail").textContent = marks.length ? t("reading.hint") : "";
}

function show() {
  if (!isOpen) return;
  byId("reading-error").hidden = failed === null;
  byId("reading-error").textContent = failed?.() ?? "";
  if (shown) return showReply();
  marks = [];
  byId("reading-summary").textContent = "";
  byId("reading-detail").textContent = "";
  byId("reading-words").replaceChildren(failed ? "" : t(byId("text").value.trim() ? "reading.asking" : "reading.empty"));
}

function body({ text, model, voice, language, normalization, clip }) {
  const fields = { input: text, model, voice: clip ? null : voice, language, text_normalization: normalization };
  return JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)));
}

async function ask() {
  const values = readForm();
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  failed = null;
  if (!values.text.trim()) {
    shown = null;
  } else if (textLength() > textLimit()) {
    shown = null;
    failed = tooLongMessage;
  } else {
    byId("reading").setAttribute("aria-busy", "true");
    try {
      const headers = { "Content-Type": "application/json" };
      const reply = await requestJson("v1/text/normalize", { method: "POST", headers, body: body(values), signal: mine.signal });
      shown = { input: values.text, reply };
    } catch (error) {
      if (error.name === "AbortError") return;
      shown = null;
      failed = () => errorMessage(error);
    }
    if (asking !== mine) return;
  }
  byId("reading").setAttribute("aria-busy", "false");
  show();
}

// Requests the reading again after a short pause.
export function readAgainSoon() {
  if (!isOpen) return;
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

function toggle() {
  isOpen = !isOpen;
  byId("reading").hidden = !isOpen;
  byId("reading-button").setAttribute("aria-expanded", String(isOpen));
  clearTimeout(timer);
  asking?.abort();
  shown = null;
  failed = null;
  show();
  if (isOpen) ask();
}

export function initializeReading() {
  const words = byId("reading-words");
  byId("reading-button").addEventListener("click", toggle);
  words.addEventListener("keydown", onKey);
  for (const type of ["focusin", "click"]) {
    words.addEventListener(type, (event) => {
      const index = marks.findIndex(({ node }) => node === event.target.closest(".change"));
      if (index >= 0) point(index);
    });
  }
  for (const id of ["text", "voice", "language", "normalization"]) {
    byId(id).addEventListener(id === "text" ? "input" : "change", readAgainSoon);
  }
  onModel(readAgainSoon);
  onServer(readAgainSoon);
  onClip(readAgainSoon);
  onLanguage(show);
}
