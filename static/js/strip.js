// The state of the server in one line: which engine answers, whether a key is needed, and how to get more engines.

import { clipFile, onClip } from "./clip/clip.js";
import { byId } from "./element.js";
import { inWords } from "./explain.js";
import { hasKey, needsKey, onKey } from "./key.js";
import { decimal, onLanguage, t } from "./language.js";
import { languageNames, modelName, onModel, selectedModel } from "./model.js";
import { recall, remember } from "./remembered.js";
import { isSameMachine, onProgress, onServer, server } from "./server.js";

const DISMISSED = "install-dismissed";

function modelWords(model) {
  const total = model.bytes_total ?? model.download_bytes;
  const share = model.state === "downloading" && total ? Math.min(100, (100 * model.bytes_done) / total) : 0;
  return t(`strip.model_${model.state}`, { name: modelName(model), languages: languageNames(model), share: decimal(share, 0) });
}

function serverWords(model) {
  if (server.state === "refused") return inWords(server.error);
  if (server.state !== "ready") return t(`strip.${server.state}`);
  return model ? modelWords(model) : t("strip.no_model");
}

function clipWords(model) {
  if (!model || !clipFile()) return "";
  return t({ matched: "strip.matched", cloned: "strip.cloned" }[model.cloning] ?? "strip.no_cloning", { name: modelName(model) });
}

function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text; // screen readers repeat what is set again
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
  setText("strip-engine", serverWords(model));
  setText("strip-clip", clipWords(model));
  byId("strip-clip").hidden = !clipWords(model);
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
