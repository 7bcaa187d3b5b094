// The status bar: which model is in use, whether a key is required, and how to install more models.

import { clipFile, onClip } from "./clip/clip.js";
import { byId } from "./element.js";
import { errorMessage } from "./explain.js";
import { hasKey, needsKey, onKey } from "./key.js";
import { decimal, onLanguage, t } from "./language.js";
import { languageNames, modelName, onModel, selectedModel } from "./model.js";
import { recall, remember } from "./remembered.js";
import { isSameMachine, onProgress, onServer, server } from "./server.js";

const DISMISSED = "install-dismissed";

function modelText(model) {
  const total = model.bytes_total ?? model.download_bytes;
  const share = model.state === "downloading" && total ? Math.min(100, (100 * model.bytes_done) / total) : 0;
  return t(`strip.model_${model.state}`, { name: modelName(model), languages: languageNames(model), share: decimal(share, 0) });
}

function serverText(model) {
  if (server.state === "refused") return errorMessage(server.error);
  if (server.state !== "ready") return t(`strip.${server.state}`);
  return model ? modelText(model) : t("strip.no_model");
}

function clipText(model) {
  if (!model || !clipFile()) return "";
  return t({ matched: "strip.matched", cloned: "strip.cloned" }[model.cloning] ?? "strip.no_cloning", { name: modelName(model) });
}

function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text; // screen readers repeat text that is set again
}

function showInstall() {
  const missing = server.models.find((other) => !other.available && other.install_hint);
  const hasCommand = Boolean(missing) && isSameMachine();
  byId("strip-install").hidden = !missing || server.state !== "ready" || recall(DISMISSED) === true;
  setText("strip-install-words", missing ? t(hasCommand ? "strip.install" : "strip.ask_for_more", { name: missing.install_name }) : "");
  setText("install-command", hasCommand ? missing.install_hint : "");
  byId("install-command").hidden = !hasCommand;
  byId("install-copy").hidden = !hasCommand || !navigator.clipboard; // plain-http addresses have none
}

function show() {
  const model = selectedModel();
  byId("strip").dataset.state = server.state;
  byId("strip").dataset.model = model?.state ?? "";
  setText("strip-engine", serverText(model));
  setText("strip-clip", clipText(model));
  byId("strip-clip").hidden = !clipText(model);
  byId("key-enter").hidden = server.state !== "locked";
  byId("key-change").hidden = !needsKey() || !hasKey();
  showInstall();
}

async function copyCommand() {
  await navigator.clipboard.writeText(byId("install-command").textContent);
  byId("install-copy").textContent = t("strip.copied");
  setTimeout(() => {
    byId("install-copy").textContent = t("strip.copy");
  }, 2000);
}

function dismiss() {
  remember(DISMISSED, true);
  showInstall();
  byId("text").focus();
}

export function initializeStrip() {
  byId("install-copy").addEventListener("click", copyCommand);
  byId("install-dismiss").addEventListener("click", dismiss);
  onServer(show);
  onProgress(show);
  onKey(show);
  onModel(show);
  onClip(show);
  onLanguage(show);
}
