// The list of what was made in this browser: replay, use again, delete.

import { byId, element, icon } from "../element.js";
import { fillForm, readForm } from "../form.js";
import { onMade } from "../generate.js";
import { dateWords, decimal, exactClock, onLanguage, t } from "../language.js";
import { player } from "../player.js";
import { showToast } from "../toast.js";
import { addEntry, clearEntries, deleteEntry, listEntries, readAudio } from "./store.js";

const SURE_FOR = 4000; // milliseconds the second click has

let entries = [];
let isKept = true;

async function refresh() {
  try {
    entries = await listEntries();
  } catch {
    isKept = false; // private windows of some browsers keep nothing
  }
  show();
}

function when(entry) {
  return dateWords(entry.created);
}

function about(entry) {
  const words = [entry.clipName ? t("result.clip", { name: entry.clipName }) : entry.voiceName, `${decimal(entry.speed, 2)} ×`, exactClock(entry.seconds)];
  if (entry.isPartial) words.push(t("history.partial"));
  return [...words, when(entry)].join(" · ");
}

function button(name, key, text, onclick) {
  const label = t(key, { text });
  return element("button", { type: "button", class: "icon-button", "aria-label": label, title: t(`${key}_title`), onclick }, icon(name));
}

function row(entry) {
  const short = entry.text.length > 40 ? `${entry.text.slice(0, 40)}…` : entry.text;
  const words = element("div", { class: "history-words" }, element("p", { class: "history-text" }, entry.text), element("p", { class: "muted small" }, about(entry)));
  const buttons = element(
    "div",
    { class: "history-buttons" },
    button("reuse", "history.reuse", short, () => reuse(entry)),
    button("trash", "history.delete", short, () => remove(entry)),
  );
  return element("li", {}, button("play", "history.replay", short, () => replay(entry)), words, buttons);
}

function show() {
  byId("history").replaceChildren(...entries.map(row));
  byId("history-empty").dataset.t = isKept ? "history.empty" : "history.unavailable";
  byId("history-empty").textContent = t(byId("history-empty").dataset.t);
  byId("history-empty").hidden = entries.length > 0;
  byId("history-hint").hidden = entries.length === 0;
  byId("history-clear").hidden = entries.length === 0;
}

async function keep(made, samples, sampleRate) {
  const { clip, ...entry } = made;
  const seconds = samples.length / sampleRate;
  try {
    await addEntry({ ...entry, seconds, sampleRate, created: Date.now() }, samples, clip);
  } catch {
    isKept = false;
  }
  await refresh();
}

async function replay(entry) {
  const audio = await readAudio(entry.id);
  if (!audio) return refresh();
  player.load(entry, entry.sampleRate);
  player.append(audio.samples);
  player.finish();
  player.playback.play();
}

async function reuse(entry) {
  const audio = await readAudio(entry.id);
  const before = readForm();
  fillForm({ ...entry, clip: audio?.clip ?? null });
  showToast(() => t("history.reused"), { key: "text.undo", act: () => fillForm(before) });
  byId("text").focus();
}

async function remove(entry) {
  const at = entries.indexOf(entry);
  await deleteEntry(entry.id);
  await refresh();
  const next = byId("history").children[Math.min(at, entries.length - 1)];
  (next?.querySelector("button") ?? byId("text")).focus();
}

// The first click asks, the second one within a few seconds clears.
function initializeClear() {
  const clear = byId("history-clear");
  let timer = null;
  const calm = () => {
    clearTimeout(timer);
    timer = null;
    clear.dataset.t = "history.clear";
    clear.textContent = t("history.clear");
  };
  clear.addEventListener("click", async () => {
    if (timer === null) {
      clear.dataset.t = "history.sure";
      clear.textContent = t("history.sure");
      timer = setTimeout(calm, SURE_FOR);
      return;
    }
    calm();
    await clearEntries();
    await refresh();
    byId("text").focus();
  });
}

export function initializeHistory() {
  initializeClear();
  onMade(keep);
  onLanguage(show);
  refresh();
}
