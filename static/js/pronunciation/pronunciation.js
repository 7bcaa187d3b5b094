// The list of pronunciations, and the other pronunciation dictionaries of the server.

import { byId, element } from "../element.js";
import { currentLanguage, onLanguage, t } from "../language.js";
import { clearProblem, errorMessage, showProblem } from "../problem.js";
import { readAgainSoon } from "../reading/reading.js";
import { saveFile } from "../save.js";
import { onServer, server } from "../server.js";
import { chooseDictionary, dictionaries, onDictionaries, ownDictionary, readDictionaries } from "./dictionaries.js";
import { exportFile, importFile, removeDictionary, removeRule, setDefault } from "./dictionaries.js";
import { editRule, initializeEditor, leaveEditor } from "./editor.js";
import { hear } from "./hear.js";
import { wordRow } from "./row.js";
import { repeatWords, showListStatus } from "./status.js";

const FIELD = "pronunciation";
const ROWS = 50; // shown at first
const CONFIRM_TIME = 4000; // milliseconds in which the second click must follow

const { isAdminOn } = JSON.parse(byId("page-config").textContent);

// Each dictionary has the permission of this client. Without a dictionary, a refused request shows it.
const mayChange = () => isAdminOn && dictionaries.all.every((dictionary) => dictionary.permission_on_resource !== "viewer");

let areAllShown = false;
let sure = null; // timer

// Runs the action of a click; shows its error below the list.
async function attempt(action) {
  clearProblem(FIELD);
  showListStatus(() => "");
  try {
    await action();
  } catch (error) {
    showProblem(error, FIELD);
  }
}

function row(rule) {
  const say = (button) => attempt(() => hear(button, rule.string_to_replace, dictionaries.chosen.id));
  const changes = mayChange() ? { change: () => editRule(rule), remove: () => attempt(() => remove(rule)) } : {};
  return wordRow(rule, { say, ...changes });
}

async function remove(rule) {
  const at = dictionaries.chosen.rules.findIndex((other) => other.string_to_replace === rule.string_to_replace);
  await removeRule(rule.string_to_replace);
  leaveEditor();
  showListStatus(() => t("words.removed", { word: rule.string_to_replace }));
  const rows = byId("words").children;
  (rows[Math.min(at, rows.length - 1)]?.querySelector("button:last-child") ?? byId("word")).focus();
}

function showRules() {
  const rules = dictionaries.chosen?.rules ?? [];
  const count = areAllShown ? rules.length : ROWS;
  byId("words").replaceChildren(...rules.slice(0, count).map(row));
  byId("words-empty").hidden = rules.length > 0;
  byId("words-more").hidden = rules.length <= count;
  byId("words-more").textContent = t("words.more", { count: rules.length.toLocaleString(currentLanguage()) });
}

function optionText(dictionary) {
  if (dictionary.id === ownDictionary()?.id) return t("words.own");
  return t("words.other", { name: dictionary.name, count: dictionary.latest_version_rules_num ?? 0 });
}

function showLists() {
  const own = ownDictionary();
  const others = dictionaries.all.filter((dictionary) => dictionary.id !== own?.id);
  const options = others.map((dictionary) => element("option", { value: dictionary.id }, optionText(dictionary)));
  byId("list").replaceChildren(element("option", { value: own?.id ?? "" }, t("words.own")), ...options);
  byId("list").value = dictionaries.chosen?.id ?? "";
  byId("list-field").hidden = others.length === 0;
  byId("list-default").checked = dictionaries.chosen?.default ?? true;
  byId("list-default").disabled = !mayChange() || !dictionaries.chosen;
  byId("list-default-field").hidden = others.length === 0 && (dictionaries.chosen?.default ?? true);
  byId("list-remove").hidden = !mayChange() || !dictionaries.chosen || dictionaries.chosen.id === own?.id;
}

function show() {
  const isThere = dictionaries.error === null;
  byId("pronunciation").hidden = dictionaries.state === "missing";
  byId("words-body").hidden = !isThere;
  byId("words-refused").hidden = isThere;
  byId("words-refused").textContent = dictionaries.error ? errorMessage(dictionaries.error) : "";
  if (!isThere) return;
  showLists();
  showRules();
  byId("words-editor").hidden = !mayChange();
  byId("words-import").hidden = !mayChange();
  byId("words-closed").hidden = mayChange();
  for (const id of ["words-csv", "words-pls"]) byId(id).hidden = !dictionaries.chosen;
}

async function load(file) {
  const made = await importFile(file);
  leaveEditor();
  showListStatus(() => t("words.imported", { name: made.name }));
}

async function save(format) {
  const { name } = dictionaries.chosen;
  saveFile(await exportFile(format), `${name.replace(/[^\p{L}\p{N}._ -]/gu, "_")}.${format}`);
}

// The first click asks for confirmation, a second one within CONFIRM_TIME removes the dictionary.
function removeList() {
  const calm = () => {
    clearTimeout(sure);
    sure = null;
    byId("list-remove").dataset.t = "words.remove_list";
    byId("list-remove").textContent = t("words.remove_list");
  };
  if (sure !== null) {
    calm();
    attempt(async () => {
      const { name } = dictionaries.chosen;
      await removeDictionary();
      leaveEditor();
      showListStatus(() => t("words.list_removed", { name }));
      byId("word").focus();
    });
    return;
  }
  byId("list-remove").dataset.t = "words.sure";
  byId("list-remove").textContent = t("words.sure");
  sure = setTimeout(calm, CONFIRM_TIME);
}

export function initializePronunciation() {
  initializeEditor();
  byId("list").addEventListener("change", () => {
    areAllShown = false;
    leaveEditor();
    attempt(() => chooseDictionary(byId("list").value));
  });
  byId("list-default").addEventListener("change", () => attempt(() => setDefault(byId("list-default").checked)));
  byId("list-remove").addEventListener("click", removeList);
  byId("words-more").addEventListener("click", () => {
    areAllShown = true;
    showRules();
    byId("words").children[ROWS]?.querySelector("button").focus();
  });
  byId("words-file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) attempt(() => load(file));
  });
  byId("words-csv").addEventListener("click", () => attempt(() => save("csv")));
  byId("words-pls").addEventListener("click", () => attempt(() => save("pls")));
  onDictionaries(show);
  onDictionaries(readAgainSoon);
  onLanguage(show);
  onLanguage(repeatWords);
  onServer(() => {
    const isReachable = server.state === "ready" || server.state === "loading";
    if (isReachable && dictionaries.state !== "ready") readDictionaries();
  });
}
