// The state of the selected model, and the button to load, unload or cancel.

import { byId } from "./element.js";
import { onLanguage, t } from "./language.js";
import { fileSize, modelName, onModel, selectedModel } from "./model.js";
import { clearProblem, showProblem } from "./problem.js";
import { requestModelAction, isBusy, isOpenToChanges, onProgress, onServer } from "./server.js";

// The action of the button in each state.
const ACTIONS = { absent: "load", unloaded: "load", failed: "load", downloading: "unload", loading: "unload", ready: "unload" };

// The state of a model as text.
export function loadingText(model) {
  const total = model.bytes_total ?? model.download_bytes;
  if (model.state === "downloading" && total) {
    return t("loading.downloading", { name: modelName(model), done: fileSize(model.bytes_done), total: fileSize(total) });
  }
  return t(`loading.${model.state}`, { name: modelName(model), size: fileSize(model.download_bytes ?? 0), reason: model.reason ?? "" });
}

function showBar(model) {
  const bar = byId("loading-bar");
  const total = model.bytes_total ?? model.download_bytes;
  bar.hidden = !isBusy(model);
  if (model.state === "downloading" && total) {
    bar.max = total;
    bar.value = Math.min(model.bytes_done, total);
  } else {
    bar.removeAttribute("value");
  }
}

function showButton(model) {
  const button = byId("loading-button");
  button.hidden = !isOpenToChanges() || !(model.state in ACTIONS);
  byId("loading-closed").hidden = isOpenToChanges() || model.state === "ready" || !(model.state in ACTIONS);
  if (button.hidden) return;
  button.textContent = t(`loading.button_${model.state}`);
  button.classList.toggle("primary", ACTIONS[model.state] === "load");
}

function show() {
  const model = selectedModel();
  const isShown = Boolean(model) && !model.always_loaded && model.state !== "not_installed";
  byId("loading").hidden = !isShown;
  if (!isShown) return;
  byId("loading").dataset.state = model.state;
  byId("loading-words").textContent = loadingText(model);
  showBar(model);
  showButton(model);
}

async function act() {
  const model = selectedModel();
  const button = byId("loading-button");
  clearProblem("model");
  button.disabled = true; // one click, one request
  try {
    await requestModelAction(model.id, ACTIONS[model.state]);
  } catch (error) {
    showProblem(error, "model");
  } finally {
    button.disabled = false;
    button.focus();
  }
}

export function initializeLoading() {
  byId("loading-button").addEventListener("click", act);
  onModel(show);
  onServer(show);
  onProgress(show);
  onLanguage(show);
}
