// Buttons that insert tags into the text: a pause, and the sounds that the selected model supports.

import { byId, element } from "./element.js";
import { has, onLanguage, t } from "./language.js";
import { onModel, selectedModel } from "./model.js";
import { editText } from "./text.js";

const PAUSE = "[pause:1s]";

function words(tag) {
  const name = tag.replace(/[[\]]/g, "").replaceAll(" ", "_");
  return has(`tag.${name}`) ? t(`tag.${name}`) : tag;
}

// Inserts a tag at the cursor, with spaces between it and adjacent words.
function insert(tag) {
  const text = byId("text");
  const { selectionStart: from, selectionEnd: to, value } = text;
  const before = /\S$/.test(value.slice(0, from)) ? " " : "";
  const after = /^\S/.test(value.slice(to)) || to === value.length ? " " : "";
  editText(`${before}${tag}${after}`);
}

function show() {
  const tags = selectedModel()?.tags ?? [];
  byId("tags").hidden = tags.length === 0;
  byId("tag-chips").replaceChildren(
    ...tags.map((tag) => element("button", { type: "button", class: "chip", title: tag, onclick: () => insert(tag) }, words(tag))),
  );
}

export function initializeTags() {
  byId("pause-button").addEventListener("click", () => insert(PAUSE));
  onModel(show);
  onLanguage(show);
}
