// One voice in the list: listen, use and, for the user's own voices, edit, download and delete.

import { byId, element, icon } from "../element.js";
import { t } from "../language.js";
import { hearVoice } from "../preview.js";
import { clearProblem, problemElement, showProblem } from "../problem.js";
import { changeVoice, deleteVoice, describeVoice, downloadVoice, genderOf, groupOf, ownDescription } from "./voices.js";

// Also the prefix of ids in the row, which must not contain spaces.
export const fieldOf = (voice) => `voice-${encodeURIComponent(voice.id)}`;

function iconButton(name, key, voice, onclick) {
  return element("button", { type: "button", class: "icon-button", "aria-label": t(key, { name: voice.name }), title: t(`${key}_title`), onclick }, icon(name));
}

function playButton(voice) {
  const button = element(
    "button",
    { type: "button", class: "icon-button", "aria-label": t("voices.hear", { name: voice.name }), title: t("voice.preview"), "data-playing": "false" },
    icon("play", "icon-play"),
    icon("stop", "icon-pause"),
  );
  button.addEventListener("click", () => hearVoice(voice, button, fieldOf(voice)));
  return button;
}

// Runs a request of the row, with its buttons disabled meanwhile; a problem is shown under the row.
async function attempt(row, voice, action, onRefused) {
  const buttons = [...row.querySelectorAll("button")];
  clearProblem(fieldOf(voice));
  for (const button of buttons) button.disabled = true;
  try {
    await action();
  } catch (error) {
    showProblem(error, fieldOf(voice));
    onRefused(error);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

// Shows `form` below the row, replacing another one, until it is closed by its Cancel button or by Escape.
function openForm(row, form, opener) {
  row.querySelector(".voice-form")?.remove();
  const close = () => {
    form.remove();
    opener.focus();
  };
  form.querySelector("[data-cancel]").addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // else Escape would close the dialog
    event.stopPropagation();
    close();
  });
  row.querySelector(".voice-line").after(form);
}

function field(row, voice, name, value, maxlength) {
  const id = `${fieldOf(voice)}-${name}`;
  const input = element("input", { type: "text", id, value, maxlength, autocomplete: "off", spellcheck: "false", "aria-describedby": `${fieldOf(voice)}-error` });
  return element("div", { class: "field" }, element("label", { for: id }, t(`voices.${name}`)), input);
}

function buttons(main, attributes) {
  return element(
    "p",
    { class: "dialog-buttons" },
    element("button", { type: "submit", ...attributes }, main),
    element("button", { type: "button", "data-cancel": true }, t("voices.cancel")),
  );
}

function editForm(row, voice, opener, handlers) {
  const name = field(row, voice, "name", voice.name, 80);
  const description = field(row, voice, "description", ownDescription(voice), 500);
  const form = element("form", { class: "voice-form", novalidate: true }, name, description, buttons(t("voices.save"), { class: "primary" }));
  const input = name.querySelector("input");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = { name: input.value.trim(), description: description.querySelector("input").value.trim() };
    input.removeAttribute("aria-invalid");
    if (values.name === "") {
      showProblem(() => t("error.name_missing"), fieldOf(voice));
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return;
    }
    attempt(row, voice, async () => handlers.onChanged(voice, await changeVoice(voice, values)), (error) => {
      if (error.param === "name" || error.code === "voice_exists") {
        input.setAttribute("aria-invalid", "true");
        input.focus();
      }
      handlers.onRefused(error);
    });
  });
  openForm(row, form, opener);
  input.select();
}

function deleteForm(row, voice, opener, handlers) {
  const words = element("p", { id: `${fieldOf(voice)}-sure` }, t("voices.sure", { name: voice.name }));
  const form = element("form", { class: "voice-form", "aria-labelledby": words.id }, words, buttons(t("voices.delete_yes"), { class: "danger" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(row, voice, async () => {
      await deleteVoice(voice);
      await handlers.onDeleted(voice);
    }, handlers.onRefused);
  });
  openForm(row, form, opener);
  form.querySelector("[data-cancel]").focus(); // so that a second press of Enter does not delete
}

// `handlers` are {onUse(voice), onChanged(old, new), onDeleted(voice), onRefused(error)}; `mayChange` shows the buttons for changes.
export function voiceRow(voice, { isChosen, mayChange, handlers }) {
  const about = [genderOf(voice), describeVoice(voice)].filter(Boolean).join(" · ");
  const words = element("div", { class: "voice-about" }, element("p", { class: "voice-name" }, voice.name), about ? element("p", { class: "muted small" }, about) : null);
  const row = element("li", { class: "voice-row", "data-voice": voice.id });
  const tools = element("div", { class: "voice-tools" });
  if (groupOf(voice) === "own" && mayChange) {
    const edit = iconButton("pencil", "voices.edit", voice, () => editForm(row, voice, edit, handlers));
    const download = iconButton("download", "voices.download", voice, () => attempt(row, voice, () => downloadVoice(voice), handlers.onRefused));
    const remove = iconButton("trash", "voices.delete", voice, () => deleteForm(row, voice, remove, handlers));
    tools.append(edit, download, remove);
  }
  const use = element(
    "button",
    { type: "button", "aria-pressed": String(isChosen), "aria-label": t(isChosen ? "voices.chosen_name" : "voices.use", { name: voice.name }), onclick: () => handlers.onUse(voice) },
    t(isChosen ? "voices.chosen" : "voices.use_title"),
  );
  tools.append(use);
  row.append(element("div", { class: "voice-line" }, playButton(voice), words, tools), problemElement(fieldOf(voice)));
  return row;
}

export const rowOf = (id) => byId("voices-lists").querySelector(`[data-voice="${CSS.escape(id)}"]`);
