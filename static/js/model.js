// The list of the server's models with their states. Models that are not installed are disabled.

import { showControls } from "./controls.js";
import { byId, element } from "./element.js";
import { currentLanguage, decimal, has, onLanguage, t } from "./language.js";
import { onServer, server } from "./server.js";
import { signal } from "./signal.js";

const changes = signal();
let wanted = null;

export function selectedModel() {
  return server.models.find((model) => model.id === byId("model").value) ?? null;
}

// Calls `listener` after each change of the chosen model.
export const onModel = changes.on;

// A model's name in the language of the page.
export function modelName(model) {
  return has(`modelname.${model.id}`) ? t(`modelname.${model.id}`) : model.name;
}

// Selects a model, now or once the list has been loaded. A model that is not available is ignored.
export function chooseModel(id) {
  wanted = id;
  choose();
}

export function languageNames(model) {
  const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
  if (model.languages.length > 3) return t("model.languages", { count: model.languages.length });
  return model.languages.map((code) => names.of(code)).join(", ");
}

// 3000000000 -> "3.0 GB"
export function fileSize(bytes) {
  return bytes < 1e9 ? `${decimal(bytes / 1e6, 0)} MB` : `${decimal(bytes / 1e9)} GB`;
}

function optionText(model) {
  const name = modelName(model);
  if (model.always_loaded || model.state === "ready") return name;
  const size = model.download_bytes ? fileSize(model.download_bytes) : "?";
  return t(`model.${model.state}`, { name, size });
}

function choose() {
  const choices = server.models.filter((model) => model.available);
  const model = choices.find((m) => m.id === wanted) ?? choices.find((m) => m.default) ?? choices[0];
  byId("model").value = model?.id ?? "";
  changed();
}

function changed() {
  const model = selectedModel();
  showControls(model?.controls ?? []);
  showModelText();
  changes.emit();
}

function showModelText() {
  const model = selectedModel();
  byId("model-words").textContent = model ? languageNames(model) : "";
  const isOtherLanguage = Boolean(model) && !model.languages.includes(currentLanguage());
  byId("samples-language").hidden = !isOtherLanguage;
  byId("samples-language").textContent = isOtherLanguage ? t("text.samples_language", { languages: languageNames(model) }) : "";
}

function showModels() {
  const options = server.models.map((model) =>
    element("option", { value: model.id, disabled: !model.available }, optionText(model)),
  );
  byId("model").replaceChildren(...(options.length || server.state !== "locked" ? options : [element("option", { value: "" }, t("key.to_see_models"))]));
  choose();
}

export function initializeModel() {
  byId("model").addEventListener("change", () => {
    wanted = byId("model").value;
    changed();
  });
  onServer(showModels);
  onLanguage(showModels);
}
