// The choice of voice, grouped by where it comes from. A reference clip takes its place.

import { clipFile, onClip } from "./clip/clip.js";
import { byId, element } from "./element.js";
import { onLanguage, t } from "./language.js";
import { onServer, server } from "./server.js";

let wanted = null;

export function selectedVoice() {
  return server.voices.find((voice) => voice.id === byId("voice").value) ?? null;
}

// Choose a voice, now or once the server has told which there are.
export function wantVoice(id) {
  wanted = id;
  choose();
}

function choose() {
  const has = (id) => server.voices.some((voice) => voice.id === id);
  byId("voice").value = has(wanted) ? wanted : (server.defaultVoice ?? "");
  showWords();
}

function gender(voice) {
  return voice.gender === "female" || voice.gender === "male" ? t(`voice.${voice.gender}`) : null;
}

function group(origin) {
  const options = server.voices
    .filter((voice) => voice.origin === origin)
    .map((voice) => element("option", { value: voice.id }, [voice.name, gender(voice)].filter(Boolean).join(" · ")));
  return options.length ? element("optgroup", { label: t(`voice.${origin}`) }, ...options) : null;
}

function showVoices() {
  const groups = ["builtin", "library"].map(group).filter(Boolean);
  byId("voice").replaceChildren(...groups);
  choose();
}

function showWords() {
  const isReplaced = clipFile() !== null;
  byId("voice").disabled = isReplaced;
  byId("preview").disabled = isReplaced || !selectedVoice();
  byId("voice-words").textContent = isReplaced ? t("voice.replaced") : (selectedVoice()?.description ?? "");
}

export function initializeVoice() {
  byId("voice").addEventListener("change", () => {
    wanted = byId("voice").value;
    showWords();
  });
  onServer(showVoices);
  onLanguage(showVoices);
  onClip(showWords);
}
