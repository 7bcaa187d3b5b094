// One word of the list with its buttons.

import { element, icon } from "../element.js";
import { t } from "../language.js";
import { howOf } from "./rules.js";

function button(key, word, onclick, ...pictures) {
  const names = { "aria-label": t(key, { word }), title: t(`${key}_title`) };
  return element("button", { type: "button", class: "icon-button", ...names, onclick }, ...pictures);
}

// `say(button)`, `change()` and `remove()` are the actions of the buttons; the last two are omitted if words cannot be changed.
export function wordRow(rule, { say, change, remove }) {
  const word = rule.string_to_replace;
  const saying = button("words.say", word, () => say(saying), icon("speak", "icon-play"), icon("stop", "icon-pause"));
  const buttons = element("div", { class: "word-buttons" }, saying);
  if (change) buttons.append(button("words.change", word, change, icon("pencil")), button("words.remove", word, remove, icon("trash")));
  const words = element(
    "p",
    { class: "word-words" },
    element("b", {}, word),
    element("span", { class: "muted", "aria-hidden": "true" }, " → "),
    element("span", { class: "visually-hidden" }, ` ${t("words.is_said")} `),
    element("span", { class: "word-how" }, howOf(rule)),
  );
  return element("li", {}, words, buttons);
}
