// The choice of voice, grouped by where it comes from. A reference clip takes its place.

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

// What a voice is like with the chosen model: of the built-in ones, a model that clones has only the first itself.
function describeWithModel(voice) {
  const model = selectedModel();
  if (voice.origin !== "builtin" || model?.cloning !== "cloned") return describeVoice(voice);
  const isModelsOwn = voice.id === server.voices.find((one) => one.origin === "builtin").id;
  if (isModelsOwn) return t("voice.models_own", { model: modelName(model) });
  return [describeVoice(voice), t("voice.cloned_builtin", { model: modelName(model) })].filter(Boolean).join(" ");
}

function showWords() {
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
    showWords();
  });
  onServer(showVoices);
  onLanguage(showVoices);
  onClip(showWords);
  onModel(showWords);
}
