// The list of voices, grouped by origin. A reference clip replaces the voice.

import { clipFile, onClip } from "./clip/clip.js";
import { byId, element } from "./element.js";
import { onLanguage, t } from "./language.js";
import { modelName, onModel, selectedModel } from "./model.js";
import { onServer, server } from "./server.js";
import { GROUPS, describeVoice, genderOf, groupOf } from "./voices/voices.js";

let wanted = null;

export function selectedVoice() {
  return server.voices.find((voice) => voice.id === byId("voice").value) ?? null;
}

// Selects a voice, now or once the list has been loaded.
export function chooseVoice(id) {
  wanted = id;
  choose();
}

function choose() {
  const has = (id) => server.voices.some((voice) => voice.id === id);
  byId("voice").value = has(wanted) ? wanted : (server.defaultVoice ?? "");
  showVoiceText();
}

function group(name) {
  const options = server.voices
    .filter((voice) => groupOf(voice) === name)
    .map((voice) => element("option", { value: voice.id }, [voice.name, genderOf(voice)].filter(Boolean).join(" · ")));
  return options.length ? element("optgroup", { label: t(`voice.${name}`) }, ...options) : null;
}

function showVoices() {
  const isLocked = server.state === "locked" && server.voices.length === 0;
  const groups = isLocked ? [element("option", { value: "" }, t("key.to_see_voices"))] : GROUPS.map(group).filter(Boolean);
  byId("voice").replaceChildren(...groups);
  choose();
}

// The description of a voice with the selected model. A model that clones has its own default voice; the other built-in ones are clones.
function describeWithModel(voice) {
  const model = selectedModel();
  if (voice.origin !== "builtin" || model?.cloning !== "cloned") return describeVoice(voice);
  const isModelsOwn = voice.id === server.voices.find((one) => one.origin === "builtin").id;
  if (isModelsOwn) return t("voice.models_own", { model: modelName(model) });
  return [describeVoice(voice), t("voice.cloned_builtin", { model: modelName(model) })].filter(Boolean).join(" ");
}

function showVoiceText() {
  const isReplaced = clipFile() !== null;
  const voice = selectedVoice();
  byId("voice").disabled = isReplaced;
  byId("preview").disabled = isReplaced || !voice;
  byId("voices-button").disabled = server.voices.length === 0;
  byId("voice-words").textContent = isReplaced ? t("voice.replaced") : voice ? describeWithModel(voice) : "";
}

export function initializeVoice() {
  byId("voice").addEventListener("change", () => {
    wanted = byId("voice").value;
    showVoiceText();
  });
  onServer(showVoices);
  onLanguage(showVoices);
  onClip(showVoiceText);
  onModel(showVoiceText);
}
