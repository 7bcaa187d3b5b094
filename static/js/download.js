// Saves the result as a file in any format, without another synthesis.

import { ApiError, request } from "./api.js";
import { wavFile } from "./audio/wav.js";
import { byId } from "./element.js";
import { onResult, player } from "./player.js";
import { clearProblem, showProblem } from "./problem.js";
import { recall, remember } from "./remembered.js";
import { saveFile } from "./save.js";

async function encode(samples, sampleRate, format) {
  if (format === "wav") return wavFile(samples, sampleRate); // needs no server
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await request(`page/encode?format=${format}&sample_rate=${sampleRate}`, { method: "POST", headers, body: samples });
  return response.blob();
}

function extension(format) {
  return byId("format").querySelector(`[value="${format}"]`).dataset.extension;
}

function fileName(made, format) {
  const words = made.text.replace(/\[[^\]]*\]/g, " ").match(/[\p{L}\p{N}]+/gu) ?? [];
  const voice = made.clipName ? "clip" : made.voice;
  return `${[voice, ...words.slice(0, 5)].join("-").toLowerCase().slice(0, 60)}.${extension(format)}`;
}

// Saves the result `made` as a file. Rejects if the server, or a proxy in front of it, does not encode it.
export async function saveAs(format, made, samples, sampleRate) {
  try {
    saveFile(await encode(samples, sampleRate, format), fileName(made, format));
  } catch (error) {
    // A reply that is not the server's comes from a proxy. Most accept 1 MB only, about 20 seconds of audio.
    if (error.status !== 413 || error.code !== "not_from_server") throw error;
    throw new ApiError("", { status: 413, param: "download", code: "proxy_limit" });
  }
}

async function download() {
  const { made, playback } = player;
  clearProblem("format");
  byId("download").disabled = true;
  try {
    await saveAs(byId("format").value, made, playback.samples, playback.sampleRate);
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
