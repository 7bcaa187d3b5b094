// The spoken language, for models with several.

import { byId, element } from "./element.js";
import { currentLanguage, has, onLanguage, t } from "./language.js";
import { onModel, selectedModel } from "./model.js";

let wanted = "";

// A code, or null for automatic detection.
export function spokenLanguage() {
  return byId("language-field").hidden ? null : byId("language").value || null;
}

export function wantLanguage(code) {
  wanted = code ?? "";
  show();
}

// The notice on packages that the server lacks for the selected language, or for the model's only one.
function showNotice() {
  const { languages = [], notices = [] } = selectedModel() ?? {};
  const code = languages.length > 1 ? byId("language").value : languages[0];
  const notice = notices.find((one) => one.language === code);
  byId("language-notice").hidden = !notice;
  byId("language-notice").textContent = notice ? (has(`notice.${code}`) ? t(`notice.${code}`) : notice.message) : "";
}

function show() {
  const codes = selectedModel()?.languages ?? [];
  byId("language-field").hidden = codes.length < 2;
  const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
  const options = codes.map((code) => ({ code, name: names.of(code) })).sort((a, b) => a.name.localeCompare(b.name, currentLanguage()));
  byId("language").replaceChildren(
    element("option", { value: "" }, t("spoken.automatic")),
    ...options.map(({ code, name }) => element("option", { value: code }, name)),
  );
  byId("language").value = codes.includes(wanted) ? wanted : "";
  showNotice();
}

export function initializeSpoken() {
  byId("language").addEventListener("change", () => {
    wanted = byId("language").value;
    showNotice();
  });
  onModel(show);
  onLanguage(show);
}
