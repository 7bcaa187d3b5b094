// The dialog with all voices, in which the user's own voices can be changed.

import { stopAudition } from "../audition.js";
import { setClip } from "../clip/clip.js";
import { byId, element } from "../element.js";
import { onKey } from "../key.js";
import { onLanguage, t } from "../language.js";
import { isOpenToChanges, onServer, reloadLists, server } from "../server.js";
import { selectedVoice, chooseVoice } from "../voice.js";
import { rowOf, voiceRow } from "./row.js";
import { GROUPS, groupOf } from "./voices.js";

let isRefused = false; // the current key has no role for changing voices
let status = () => "";

const mayChange = () => isOpenToChanges() && !isRefused;

function showStatus(getText) {
  status = getText;
  byId("voices-status").textContent = status();
}

function closedWords() {
  if (!isOpenToChanges()) return t("voices.closed");
  return isRefused ? t("voices.wrong_role") : "";
}

function list(group) {
  const voices = server.voices.filter((voice) => groupOf(voice) === group);
  if (voices.length === 0 && group !== "own") return null;
  const chosen = selectedVoice()?.id;
  const title = element("h3", { id: `voices-${group}` }, t(`voice.${group}`));
  const rows = voices.map((voice) => voiceRow(voice, { isChosen: voice.id === chosen, mayChange: mayChange(), handlers }));
  const content = rows.length ? element("ul", { class: "voice-list", "aria-labelledby": title.id }, ...rows) : element("p", { class: "hint" }, t("voices.none"));
  return element("section", {}, title, content);
}

function show() {
  if (!byId("voices-dialog").open) return;
  byId("voices-closed").textContent = closedWords();
  byId("voices-closed").hidden = closedWords() === "";
  byId("voices-lists").replaceChildren(...GROUPS.map(list).filter(Boolean));
  byId("voices-status").textContent = status();
}

// A redraw must not discard what is being typed.
function followServer() {
  if (!byId("voices-lists").querySelector(".voice-form")) show();
}

// Stored like a choice in the list of the form.
function choose(id) {
  chooseVoice(id);
  byId("voice").dispatchEvent(new Event("change", { bubbles: true }));
}

const handlers = {
  onUse(voice) {
    setClip(null);
    choose(voice.id);
    close();
  },

  async onChanged(old, voice) {
    const wasChosen = selectedVoice()?.id === old.id;
    rowOf(old.id)?.querySelector(".voice-form")?.remove();
    await reloadLists();
    if (wasChosen) choose(voice.id);
    show();
    showStatus(() => t("voices.saved", { name: voice.name }));
    rowOf(voice.id)?.querySelector(".voice-tools button").focus();
  },

  async onDeleted(voice) {
    const rows = [...byId("voices-lists").querySelectorAll(".voice-row")];
    const at = rows.indexOf(rowOf(voice.id));
    const wasChosen = selectedVoice()?.id === voice.id;
    rowOf(voice.id)?.querySelector(".voice-form")?.remove();
    await reloadLists();
    if (wasChosen) choose(server.defaultVoice);
    show();
    const values = { name: voice.name, chosen: selectedVoice()?.name ?? "" };
    showStatus(() => t(wasChosen ? "voices.deleted_chosen" : "voices.deleted", values));
    const next = byId("voices-lists").querySelectorAll(".voice-row")[at];
    (next?.querySelector("button") ?? byId("voices-close")).focus();
  },

  async onRefused(error) {
    if (error.code === "wrong_role") {
      isRefused = true;
      byId("voices-closed").textContent = closedWords();
      byId("voices-closed").hidden = false;
    }
    if (error.code === "voice_not_found") await reloadLists().catch(() => {}); // another client has deleted or renamed it
  },
};

function open() {
  showStatus(() => "");
  byId("voices-dialog").showModal();
  show();
  byId("voices-close").focus();
}

function close() {
  byId("voices-dialog").close();
}

export function initializeVoices() {
  byId("voices-button").addEventListener("click", open);
  byId("voices-close").addEventListener("click", close);
  byId("voices-dialog").addEventListener("close", () => {
    stopAudition();
    byId("voices-lists").replaceChildren();
    byId("voices-button").focus();
  });
  byId("voices-dialog").addEventListener("click", (event) => {
    if (event.target === byId("voices-dialog")) close(); // the backdrop
  });
  onServer(followServer);
  onKey(() => {
    isRefused = false;
  });
  onLanguage(show);
}
