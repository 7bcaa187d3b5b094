// What can be put into the text by a click: a pause, and the sounds that the chosen model makes where the text names them.

import { byId, element } from "./element.js";
import { has, onLanguage, t } from "./language.js";
import { onModel, selectedModel } from "./model.js";
import { editText } from "./text.js";

const PAUSE = "[pause:1s]";

function words(tag) {
  const name = tag.replace(/[[\]]/g, "").replaceAll(" ", "_");
  return has(`tag.${name}`) ? t(`tag.${name}`) : tag;
}

// Put a tag where the cursor is, with a space to either side where there is a word.
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
