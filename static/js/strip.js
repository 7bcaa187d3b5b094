// The strip: which engine answers, what a reference clip does with it, and how to get more.

import { clipFile, onClip } from "./clip/clip.js";
import { byId } from "./element.js";
import { onLanguage, t } from "./language.js";
import { loadingWords } from "./loading.js";
import { languageNames, onModel, selectedModel } from "./model.js";
import { onProgress, onServer, server } from "./server.js";

function engineWords(model) {
  if (server.state !== "ready") return t(`strip.${server.state}`);
  if (!model) return t("strip.no_model");
  if (model.state !== "ready") return loadingWords(model);
  const words = { name: model.name, languages: languageNames(model) };
  return t(model.engine === "embedded" ? "strip.embedded" : "strip.engine", words);
}

function clipWords(model) {
  if (!model || !clipFile()) return "";
  return t({ matched: "strip.matched", cloned: "strip.cloned" }[model.cloning] ?? "strip.no_cloning", { name: model.name });
}

function show() {
  const model = selectedModel();
  const missing = server.models.find((other) => !other.available && other.install_hint);
  byId("strip").dataset.state = server.state;
  byId("strip-engine").textContent = engineWords(model);
  byId("strip-clip").textContent = clipWords(model);
  byId("strip-clip").hidden = !clipWords(model);
  byId("strip-install").hidden = !missing || server.state !== "ready";
  byId("strip-install-words").textContent = t("strip.install");
  byId("install-command").textContent = missing?.install_hint ?? "";
}

async function copyCommand() {
  await navigator.clipboard.writeText(byId("install-command").textContent);
  byId("install-copy").textContent = t("strip.copied");
  setTimeout(() => {
    byId("install-copy").textContent = t("strip.copy");
  }, 2000);
}

export function initializeStrip() {
  byId("install-copy").hidden = !navigator.clipboard; // plain-http addresses have none
  byId("install-copy").addEventListener("click", copyCommand);
  onServer(show);
  onProgress(show);
  onModel(show);
  onClip(show);
  onLanguage(show);
}
