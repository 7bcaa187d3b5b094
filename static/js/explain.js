// Error messages in the language of the page.

import { ApiError } from "./api.js";
import { byId } from "./element.js";
import { currentLanguage, has, t } from "./language.js";
import { isSameMachine, server } from "./server.js";

// Codes whose message of the page is better than the server's, in every language.
const PAGE_MESSAGES = new Set([
  "unreachable", "interrupted", "interrupted_at_once", "forbidden_origin", "forbidden_host", "admin_off", "nothing_to_say", "unsupported_text",
  "invalid_api_key", "voice_is_fixed", "default_voice", "folder_not_writable", "model_not_loaded", "invalid_name",
]);

// Codes whose message of the page is complete, so that the server's English message is not added to it.
const COMPLETE_MESSAGES = new Set([
  "voice_exists", "voice_not_found", "model_in_use", "model_loading", "busy", "unavailable", "rate_limit_exceeded", "too_large", "unsupported_audio",
]);

// The key of the page's string for an error, by code and field; null if there is none.
function stringKey({ code, param, status }) {
  const candidates = [`error.${param}_${code}`, `error.${code}`, code === "not_from_server" ? `proxy.${status}` : null];
  return candidates.find((key) => key !== null && has(key)) ?? null;
}

// "name: the name may not start with a dot." -> "The name may not start with a dot."
function withoutParameter({ message, param }) {
  const words = param && message.startsWith(`${param}: `) ? message.slice(param.length + 2) : message;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function languages(model) {
  const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
  return model.languages.map((code) => names.of(code)).join(", ");
}

// The message for a text that the model `id` does not support, with a model that does or how to install one.
function unsupportedText(id) {
  const model = server.models.find((one) => one.id === id);
  const other = server.models.find((one) => one.available && one.languages.length > 1 && one.id !== id);
  const missing = server.models.find((one) => !one.available && one.install_hint);
  const what = model && model.languages.length <= 3 ? t("error.unsupported_text", { languages: languages(model) }) : t("error.unsupported_script");
  if (other) return `${what}${t("error.other_model", { name: other.name })}`;
  if (!missing) return what;
  const values = { name: missing.install_name, command: missing.install_hint };
  return `${what}${t(isSameMachine() ? "error.install_model" : "error.ask_for_model", values)}`;
}

function pageMessage(key, error) {
  if (error.code === "unsupported_text") return unsupportedText(byId("model").value);
  return t(key, { origin: location.origin, host: location.hostname, status: error.status, ...error.values });
}

// The message for an error. The server's messages are English: in other languages they follow the page's message if they add to it.
export function errorMessage(error) {
  if (typeof error === "function") return error();
  if (!(error instanceof ApiError)) return error instanceof Error ? t("error.unexpected", { message: error.message }) : String(error);
  const key = stringKey(error);
  const isOwn = key !== null && (PAGE_MESSAGES.has(error.code) || key !== `error.${error.code}`);
  if (isOwn) return pageMessage(key, error);
  if (error.message === "") return t("error.status", { status: error.status });
  if (currentLanguage() === "en") return withoutParameter(error);
  if (key === null) return t("error.server_says", { message: withoutParameter(error) });
  return COMPLETE_MESSAGES.has(error.code) ? t(key) : `${t(key)}（${withoutParameter(error)}）`;
}
