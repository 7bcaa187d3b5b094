// The two fields for adding or changing a rule.

import { byId } from "../element.js";
import { onLanguage, t } from "../language.js";
import { clearProblem, showProblem } from "../problem.js";
import { saveRule } from "./dictionaries.js";
import { hear } from "./hear.js";
import { howOf, makeRule, spokenText } from "./rules.js";
import { showListStatus } from "./status.js";

const FIELD = "pronunciation";

let before = null; // the rule that is being changed

function showMode() {
  byId("word-add").textContent = t(before ? "words.save" : "words.add");
  byId("word-cancel").hidden = before === null;
}

function fill(rule) {
  before = rule;
  byId("word").value = rule?.string_to_replace ?? "";
  byId("word-how").value = rule ? howOf(rule) : "";
  clearProblem(FIELD);
  showMode();
}

export function editRule(rule) {
  fill(rule);
  byId("word-how").focus();
  byId("word-how").select();
}

// Called when the rule was removed or another list is shown.
export function leaveEditor() {
  if (before) fill(null);
}

// The rule in the fields; null, with a message, if something is missing.
function written() {
  clearProblem(FIELD);
  showListStatus(() => "");
  const word = byId("word").value.trim();
  const how = byId("word-how").value.trim();
  const empty = word === "" ? "word" : how === "" ? "word-how" : null;
  if (empty) {
    showProblem(t(empty === "word" ? "words.no_word" : "words.no_how"), FIELD);
    byId(empty).focus();
    return null;
  }
  const rule = makeRule(word, how);
  return before?.string_to_replace === word ? { ...rule, case_sensitive: before.case_sensitive, word_boundaries: before.word_boundaries } : rule;
}

async function save() {
  const rule = written();
  if (!rule) return;
  byId("word-add").disabled = true;
  try {
    await saveRule(rule, before?.string_to_replace ?? null);
    fill(null);
    byId("word").focus();
    showListStatus(() => t("words.saved", { word: rule.string_to_replace, how: howOf(rule) }));
  } catch (error) {
    showProblem(error, FIELD);
  } finally {
    byId("word-add").disabled = false;
  }
}

async function say() {
  const rule = written();
  if (!rule) return;
  try {
    await hear(byId("word-say"), spokenText(rule));
  } catch (error) {
    showProblem(error, FIELD);
  }
}

export function initializeEditor() {
  byId("word-add").addEventListener("click", save);
  byId("word-say").addEventListener("click", say);
  byId("word-cancel").addEventListener("click", () => {
    fill(null);
    byId("word").focus();
  });
  for (const id of ["word", "word-how"]) {
    byId(id).addEventListener("input", () => clearProblem(FIELD));
    byId(id).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // else the outer form would be submitted
      if (!byId("word-add").disabled) save();
    });
  }
  onLanguage(showMode);
}
