// Voices in words, and the requests that change them.

import { request, requestJson } from "../api.js";
import { has, t } from "../language.js";
import { saveFile } from "../save.js";

export const GROUPS = ["own", "builtin", "shipped"];

// Own voices are those that can be removed: saved on the page or put into the server's folder. The others come with the server.
export function groupOf(voice) {
  if (voice.origin === "builtin") return "builtin";
  return voice.removable ? "own" : "shipped";
}

export function genderOf(voice) {
  return voice.gender === "female" || voice.gender === "male" ? t(`voice.${voice.gender}`) : "";
}

// Where no description was written, the server names the file: that says nothing to a reader.
function writtenDescription(voice) {
  return voice.wav_path && voice.description === `From ${voice.wav_path.split("/").pop()}` ? "" : (voice.description ?? "");
}

// What a voice is like, in the language of the page where it comes with the server, else as it was written; empty where nothing was.
export function describeVoice(voice) {
  const written = writtenDescription(voice);
  const key = `persona.${voice.id}`;
  const isTranslated = has(key) && (groupOf(voice) === "builtin" || (groupOf(voice) === "shipped" && written === ""));
  return isTranslated ? t(key) : written;
}

// What the owner of a voice has written about it, to be changed.
export const ownDescription = writtenDescription;

const path = (voice) => `v1/voices/${encodeURIComponent(voice.id)}`;

// Resolves to the changed voice; a new name gives it a new id.
export function changeVoice(voice, { name, description }) {
  const fields = { description };
  if (name !== voice.name) fields.name = name;
  return requestJson(path(voice), { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
}

export function deleteVoice(voice) {
  return request(path(voice), { method: "DELETE" });
}

export async function downloadVoice(voice) {
  const response = await request(`${path(voice)}/audio`);
  saveFile(await response.blob(), voice.wav_path?.split("/").pop() ?? voice.id);
}
