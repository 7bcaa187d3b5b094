// The reference clip: chosen, dropped or recorded, with its waveform, check and playback.

import { decodeFile } from "../audio/pcm.js";
import { Playback } from "../audio/playback.js";
import { SAMPLE_RATE } from "../audio/speaker.js";
import { Waveform } from "../audio/waveform.js";
import { byId } from "../element.js";
import { onLanguage } from "../language.js";
import { clearProblem, showProblem } from "../problem.js";
import { clearCheck, showLocalCheck, showServerCheck, repeatCheck } from "./check.js";
import { initializeDrop } from "./drop.js";
import { initializeMicrophone } from "./microphone.js";
import { signal } from "../signal.js";

const changes = signal();
let file = null;
let playback = null;
let waveform = null;

export function clipFile() {
  return file;
}

// Calls `listener` after the clip was set or removed.
export const onClip = changes.on;

// Sets the reference clip to a File or null, and checks it.
export function setClip(chosen) {
  playback?.pause();
  playback = null;
  file = chosen;
  byId("clip-file").value = "";
  byId("drop").hidden = file !== null;
  byId("clip").hidden = file === null;
  byId("clip-name").textContent = file?.name ?? "";
  clearProblem("clip");
  clearCheck();
  changes.emit();
  if (file) {
    draw(file);
    checkClip(file);
  }
}

async function draw(mine) {
  waveform.clear(SAMPLE_RATE);
  byId("clip-play").disabled = true;
  let samples;
  try {
    samples = await decodeFile(mine, SAMPLE_RATE);
  } catch {
    if (file === mine) showLocalCheck(null);
    return;
  }
  if (file !== mine) return;
  playback = new Playback(SAMPLE_RATE);
  playback.append(samples);
  playback.finish();
  playback.addEventListener("change", showPlaying);
  waveform.append(samples);
  waveform.finish();
  byId("clip-play").disabled = false;
  showPlaying();
  showLocalCheck(samples, SAMPLE_RATE);
}

async function checkClip(mine) {
  try {
    await showServerCheck(mine, () => file === mine);
  } catch (error) {
    if (file === mine) showProblem(error, "clip");
  }
}

function showPlaying() {
  byId("clip-play").dataset.playing = String(playback?.isPlaying ?? false);
  if (playback) waveform.played = playback.position;
  if (playback?.isPlaying) requestAnimationFrame(showPlaying);
}

export function initializeClip() {
  waveform = new Waveform(byId("clip-canvas"));
  byId("clip-file").addEventListener("change", (event) => {
    if (event.target.files[0]) setClip(event.target.files[0]);
  });
  byId("clip-play").addEventListener("click", () => playback?.toggle());
  byId("clip-remove").addEventListener("click", () => {
    setClip(null);
    byId("clip-file").focus();
  });
  initializeDrop(setClip);
  initializeMicrophone(setClip);
  onLanguage(repeatCheck);
}
