// The server's pronunciation dictionaries, and the rules of the selected one.

import { request, requestJson } from "../api.js";
import { signal } from "../signal.js";

const PATH = "v1/pronunciation-dictionaries";
const OWN_NAME = "Page"; // the dictionary that the page creates for its first rule

// `state` is "unknown", "ready", "missing" (this server has none) or "failed"; `all` has the dictionaries without their rules, `chosen` the one
// that is shown, with `rules`, or null for the page's own while there is none.
export const dictionaries = { state: "unknown", all: [], chosen: null, error: null };

const changes = signal();
let wanted = null;

// Calls `listener` after each change.
export const onDictionaries = changes.on;

const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const pathOf = (id, action = "") => `${PATH}/${encodeURIComponent(id)}${action}`;

// The oldest of that name: two browsers may have created one at the same time.
export function ownDictionary() {
  const named = dictionaries.all.filter((dictionary) => dictionary.name === OWN_NAME);
  return named.sort((a, b) => a.creation_time_unix - b.creation_time_unix)[0] ?? null;
}

async function listAll() {
  const all = [];
  let cursor = "";
  do {
    const page = await requestJson(`${PATH}?page_size=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    all.push(...page.pronunciation_dictionaries);
    cursor = page.has_more ? (page.next_cursor ?? "") : "";
  } while (cursor);
  return all;
}

export async function readDictionaries() {
  try {
    dictionaries.all = await listAll();
    const id = dictionaries.all.find((dictionary) => dictionary.id === wanted)?.id ?? ownDictionary()?.id;
    dictionaries.chosen = id ? await requestJson(pathOf(id)) : null;
    dictionaries.state = "ready";
    dictionaries.error = null;
  } catch (error) {
    dictionaries.state = error.status === 404 ? "missing" : "failed";
    dictionaries.error = error;
  }
  changes.emit();
}

export async function chooseDictionary(id) {
  wanted = id;
  await readDictionaries();
}

// Reloads the dictionaries afterwards, also after an error: another page may have changed them.
async function change(action) {
  try {
    return await action();
  } finally {
    await readDictionaries();
  }
}

const patch = (id, fields) => request(pathOf(id), json("PATCH", fields));

// Adds a rule to the selected dictionary, or changes the one for the word `before`.
export function saveRule(rule, before = null) {
  return change(async () => {
    if (!dictionaries.chosen) {
      const made = await requestJson(`${PATH}/add-from-rules`, json("POST", { name: OWN_NAME, rules: [rule] }));
      await patch(made.id, { default: true });
      return;
    }
    const { id } = dictionaries.chosen;
    await request(pathOf(id, "/add-rules"), json("POST", { rules: [rule] })); // replaces a rule for the same word
    if (before === null || before === rule.string_to_replace) return;
    await request(pathOf(id, "/remove-rules"), json("POST", { rule_strings: [before] }));
  });
}

export function removeRule(word) {
  return change(() => request(pathOf(dictionaries.chosen.id, "/remove-rules"), json("POST", { rule_strings: [word] })));
}

// Creates a dictionary from a file, makes it a default like the page's own, and returns it.
export function importFile(file) {
  const body = new FormData();
  body.append("name", file.name.replace(/\.[^.]*$/, "") || file.name);
  body.append("file", file, file.name);
  return change(async () => {
    const made = await requestJson(`${PATH}/add-from-file`, { method: "POST", body });
    wanted = made.id;
    await patch(made.id, { default: true });
    return made;
  });
}

// The latest version of the selected dictionary as a file; `format` is "csv" or "pls".
export async function exportFile(format) {
  const { id, latest_version_id: version } = dictionaries.chosen;
  const response = await request(`${pathOf(id, `/${encodeURIComponent(version)}/download`)}?format=${format}`);
  return response.blob();
}

export function setDefault(isDefault) {
  return change(() => patch(dictionaries.chosen.id, { default: isDefault }));
}

export function removeDictionary() {
  return change(() => request(pathOf(dictionaries.chosen.id), { method: "DELETE" }));
}
