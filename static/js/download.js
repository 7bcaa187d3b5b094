// The result as a file, in any format, without speaking it again.

import { request } from "./api.js";
import { wavFile } from "./audio/wav.js";
import { byId } from "./element.js";
import { onResult, player } from "./player.js";
import { clearProblem, showProblem } from "./problem.js";
import { recall, remember } from "./remembered.js";
import { saveFile } from "./save.js";

const EXTENSIONS = { mp3: "mp3", opus: "ogg", aac: "aac", flac: "flac", wav: "wav" };

async function encode(samples, sampleRate, format) {
  if (format === "wav") return wavFile(samples, sampleRate); // needs no server
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await request(`page/encode?format=${format}&sample_rate=${sampleRate}`, { method: "POST", headers, body: samples });
  return response.blob();
}

function fileName(made, format) {
  const words = made.text.replace(/\[[^\]]*\]/g, " ").match(/[\p{L}\p{N}]+/gu) ?? [];
  const voice = made.clipName ? "clip" : made.voice;
  return `${[voice, ...words.slice(0, 5)].join("-").toLowerCase().slice(0, 60)}.${EXTENSIONS[format]}`;
}

async function download() {
  const { made, playback } = player;
  const format = byId("format").value;
  clearProblem("format");
  byId("download").disabled = true;
  try {
    saveFile(await encode(playback.samples, playback.sampleRate, format), fileName(made, format));
  } catch (error) {
    showProblem(error, "format");
  } finally {
    byId("download").disabled = false;
  }
}

export function initializeDownload() {
  byId("format").value = recall("format") ?? "mp3";
  byId("format").addEventListener("change", () => remember("format", byId("format").value));
  byId("download").addEventListener("click", download);
  onResult(() => {
    byId("download").disabled = !player.playback?.isFinished;
  });
}
