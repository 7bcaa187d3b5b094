// Descriptions of voices, and the requests that change them.

import { request, requestJson } from "../api.js";
import { has, t } from "../language.js";
import { saveFile } from "../save.js";

export const GROUPS = ["own", "builtin", "shipped"];

// Own voices can be removed: they were saved on the page or put into the server's folder. The others come with the server.
export function groupOf(voice) {
  if (voice.origin === "builtin") return "builtin";
  return voice.removable ? "own" : "shipped";
}

export function genderOf(voice) {
  return voice.gender === "female" || voice.gender === "male" ? t(`voice.${voice.gender}`) : "";
}

// The description, without the server's default, which only contains the file name.
function writtenDescription(voice) {
  return voice.wav_path && voice.description === `From ${voice.wav_path.split("/").pop()}` ? "" : (voice.description ?? "");
}

// The description of a voice: translated for voices that come with the server, else as written; may be empty.
export function describeVoice(voice) {
  const written = writtenDescription(voice);
  const key = `persona.${voice.id}`;
  const isTranslated = has(key) && (groupOf(voice) === "builtin" || (groupOf(voice) === "shipped" && written === ""));
  return isTranslated ? t(key) : written;
}

// The description as written, for editing.
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
