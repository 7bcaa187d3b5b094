// The list of results made in this browser: replay, edit again, download, delete. All tabs show the same list.

import { saveAs } from "../download.js";
import { byId } from "../element.js";
import { fillForm, readForm } from "../form.js";
import { onMade } from "../generate.js";
import { onLanguage, t } from "../language.js";
import { fileSize } from "../model.js";
import { onPlaying, onResult, player } from "../player.js";
import { clearProblem, showProblem } from "../problem.js";
import { recall, remember } from "../remembered.js";
import { announce, onAnnounced } from "../tabs.js";
import { showToast } from "../toast.js";
import { historyRow, showPlaying } from "./row.js";
import { addEntry, clearEntries, deleteEntry, listEntries, MOST_BYTES, MOST_ENTRIES, readAudio, restoreEntry } from "./store.js";

const CONFIRM_TIME = 4000; // milliseconds in which the second click must follow

let entries = [];
let rows = new Map(); // id -> node
let isKept = true;

async function refresh() {
  try {
    entries = await listEntries();
  } catch {
    isKept = false; // private windows of some browsers have no storage
  }
  show();
}

// After a change by this tab.
async function changed() {
  await refresh();
  announce("history");
}

function isPlaying(entry) {
  return player.made?.id === entry.id && player.playback.isPlaying;
}

function showWhichPlays() {
  for (const entry of entries) if (rows.has(entry.id)) showPlaying(rows.get(entry.id), entry, isPlaying(entry));
}

// Existing rows are not moved, so that the focus stays.
function showRows() {
  const list = byId("history");
  const wanted = entries.map((entry) => {
    if (!rows.has(entry.id)) rows.set(entry.id, historyRow(entry, actions));
    return rows.get(entry.id);
  });
  for (const [id, row] of rows) {
    if (wanted.includes(row)) continue;
    row.remove();
    rows.delete(id);
  }
  for (const [at, row] of wanted.entries()) if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
}

function show() {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  showRows();
  showWhichPlays();
  byId("history-empty").dataset.t = isKept ? "history.empty" : "history.unavailable";
  byId("history-empty").textContent = t(byId("history-empty").dataset.t);
  byId("history-empty").hidden = entries.length > 0;
  byId("history-hint").hidden = entries.length === 0;
  byId("history-hint").textContent = t("history.hint", { count: entries.length, most: MOST_ENTRIES, size: fileSize(bytes), room: fileSize(MOST_BYTES) });
  byId("history-clear").hidden = entries.length === 0;
}

// Asks the browser once not to remove the history when the disk becomes full.
function askToPersist() {
  if (recall("persist") || !navigator.storage?.persist) return;
  remember("persist", true);
  navigator.storage.persist().catch(() => {});
}

// Shows which results were removed from the history or not added, because of its limits.
function reportRemoved({ id, removed }, made) {
  if (id === null) {
    made.isTooLarge = true;
    player.update(made);
    showToast(() => t("history.too_large", { room: fileSize(MOST_BYTES) }));
  } else if (removed > 0) {
    const words = { count: removed, most: MOST_ENTRIES, room: fileSize(MOST_BYTES) };
    showToast(() => t(removed === 1 ? "history.removed_one" : "history.removed", words));
  }
}

async function keep(made, samples, sampleRate) {
  const { clip, ...entry } = made;
  const seconds = samples.length / sampleRate;
  try {
    const result = await addEntry({ ...entry, seconds, sampleRate, created: Date.now() }, samples, clip);
    made.id = result.id;
    reportRemoved(result, made);
    askToPersist();
  } catch {
    isKept = false;
    showToast(() => t("history.not_kept"));
  }
  await changed();
}

async function replay(entry) {
  if (player.made?.id === entry.id) return player.toggle();
  const audio = await readAudio(entry.id);
  if (!audio) return refresh();
  const playback = player.load({ ...entry, clip: audio.clip }, entry.sampleRate);
  player.append(audio.samples, playback);
  player.finish(playback);
  playback.play();
}

async function reuse(entry) {
  const audio = await readAudio(entry.id);
  const before = readForm();
  fillForm({ ...entry, clip: audio?.clip ?? null });
  showToast(() => t("history.reused"), { key: "text.undo", act: () => fillForm(before) });
  byId("text").focus();
}

async function download(entry) {
  clearProblem("history");
  try {
    const audio = await readAudio(entry.id);
    if (audio) await saveAs(byId("format").value, entry, audio.samples, entry.sampleRate);
    else await refresh();
  } catch (error) {
    showProblem(error, "history");
  }
}

async function remove(entry) {
  const at = entries.indexOf(entry);
  const audio = await readAudio(entry.id);
  await deleteEntry(entry.id);
  await changed();
  const next = byId("history").children[Math.min(at, entries.length - 1)];
  (next?.querySelector("button") ?? byId("text")).focus();
  const restore = async () => {
    await restoreEntry(entry, audio);
    await changed();
  };
  showToast(() => t("history.deleted"), audio && { key: "text.undo", act: restore });
}

const actions = { replay, reuse, download, remove };

// The first click asks for confirmation, a second one within CONFIRM_TIME clears the history.
function initializeClear() {
  const clear = byId("history-clear");
  let timer = null;
  const showClearButton = () => {
    clear.textContent = timer === null ? t("history.clear") : t("history.sure", { count: entries.length });
  };
  const calm = () => {
    clearTimeout(timer);
    timer = null;
    showClearButton();
  };
  clear.addEventListener("click", async () => {
    if (timer === null) {
      timer = setTimeout(calm, CONFIRM_TIME);
      showClearButton();
      return;
    }
    calm();
    await clearEntries();
    await changed();
    byId("text").focus();
  });
  onLanguage(showClearButton);
}

export function initializeHistory() {
  initializeClear();
  onMade(keep);
  onPlaying(showWhichPlays);
  onResult(showWhichPlays);
  onAnnounced("history", refresh);
  onLanguage(() => {
    byId("history").replaceChildren();
    rows = new Map();
    show();
  });
  refresh();
}
