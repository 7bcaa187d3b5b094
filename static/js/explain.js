// Errors in words: what is wrong and what to do.

import { ApiError } from "./api.js";
import { byId } from "./element.js";
import { currentLanguage, has, t } from "./language.js";
import { isSameMachine, server } from "./server.js";

// Codes for which the page's words say more than the server's, in every language.
const PAGE_KNOWS_BETTER = new Set([
  "unreachable", "interrupted", "interrupted_at_once", "forbidden_origin", "forbidden_host", "admin_off", "nothing_to_say", "unsupported_text",
  "invalid_api_key", "voice_is_fixed", "default_voice", "folder_not_writable", "model_not_loaded", "invalid_name",
]);

// Codes whose sentence of the server adds nothing to the page's words in another language.
const SAYS_ALL = new Set([
  "voice_exists", "voice_not_found", "model_in_use", "model_loading", "busy", "unavailable", "rate_limit_exceeded", "too_large", "unsupported_audio",
]);

// The page's string for an error, by what is wrong with which field; null where it has none.
function stringOf({ code, param, status }) {
  const candidates = [`error.${param}_${code}`, `error.${code}`, code === "not_from_server" ? `proxy.${status}` : null];
  return candidates.find((key) => key !== null && has(key)) ?? null;
}

// "name: the name may not start with a dot." -> "The name may not start with a dot."
function withoutField({ message, param }) {
  const words = param && message.startsWith(`${param}: `) ? message.slice(param.length + 2) : message;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function languages(model) {
  const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
  return model.languages.map((code) => names.of(code)).join(", ");
}

// Which model could read a text that the model `id` cannot, and how to get one.
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

function pageWords(key, error) {
  if (error.code === "unsupported_text") return unsupportedText(byId("model").value);
  return t(key, { origin: location.origin, host: location.hostname, status: error.status, ...error.values });
}

// The server speaks English: in another language its sentence follows the page's words where it says more.
export function inWords(error) {
  if (typeof error === "function") return error();
  if (!(error instanceof ApiError)) return error instanceof Error ? t("error.unexpected", { message: error.message }) : String(error);
  const key = stringOf(error);
  const isOwn = key !== null && (PAGE_KNOWS_BETTER.has(error.code) || key !== `error.${error.code}`);
  if (isOwn) return pageWords(key, error);
  if (error.message === "") return t("error.status", { status: error.status });
  if (currentLanguage() === "en") return withoutField(error);
  if (key === null) return t("error.server_says", { message: withoutField(error) });
  return SAYS_ALL.has(error.code) ? t(key) : `${t(key)}（${withoutField(error)}）`;
}
