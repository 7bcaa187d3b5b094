// Saves the clip on the server as a voice.

import { requestJson } from "../api.js";
import { byId } from "../element.js";
import { t } from "../language.js";
import { clearProblem, showProblem, showStatus } from "../problem.js";
import { isOpenToChanges, reloadLists } from "../server.js";
import { chooseVoice } from "../voice.js";
import { clipFile, onClip, setClip } from "./clip.js";

const FIELD = "clip-voice";

// The file name without characters that names of voices must not contain.
function nameOf(file) {
  const stem = file.name.replace(/\.[^.]*$/, "");
  return stem.replace(/[<>:"/\\|?*%]/g, " ").trim().slice(0, 80);
}

function showClip() {
  clearProblem(FIELD);
  byId(FIELD).value = clipFile() ? nameOf(clipFile()) : "";
}

async function save() {
  const file = clipFile();
  const name = byId(FIELD).value.trim();
  clearProblem(FIELD);
  if (name === "") {
    showProblem(() => t("error.name_missing"), FIELD);
    return;
  }
  byId("clip-save").disabled = true;
  const body = new FormData();
  body.append("name", name);
  body.append("audio", file, file.name);
  try {
    const voice = await requestJson("v1/voices", { method: "POST", body });
    if (clipFile() === file) setClip(null);
    await reloadLists();
    chooseVoice(voice.id);
    byId("voice").focus();
    showStatus(() => t("keep.saved", { name: voice.name }));
  } catch (error) {
    if (clipFile() === file) showProblem(error, FIELD);
  } finally {
    byId("clip-save").disabled = false;
  }
}

export function initializeKeep() {
  byId("clip-keep").hidden = !isOpenToChanges();
  byId("clip-keep-closed").hidden = isOpenToChanges();
  byId("clip-save").addEventListener("click", save);
  byId(FIELD).addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault(); // else the form would be submitted
    if (!byId("clip-save").disabled) save();
  });
  onClip(showClip);
}
