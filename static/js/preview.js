// A sentence in the chosen voice, to choose by ear. What was made once is not made again.

import { Playback } from "./audio/playback.js";
import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { byId } from "./element.js";
import { selectedModel } from "./model.js";
import { clearProblem, showProblem } from "./problem.js";
import { fetchSpeech, readSpeech } from "./speech.js";
import { selectedVoice } from "./voice.js";

const SENTENCE = { en: "Hello! This is how I sound.", zh: "你好！这就是我的声音。" };
const made = new Map();
let current = null; // {playback, abort}

export function stopPreview() {
  current?.abort.abort();
  current?.playback.pause();
  current = null;
  show();
}

function show() {
  byId("preview").dataset.playing = String(current !== null);
}

async function preview() {
  const model = selectedModel();
  const voice = selectedVoice();
  if (!model || !voice) return;
  const key = `${model.id}/${voice.id}`;
  const playback = made.get(key) ?? new Playback(SAMPLE_RATE);
  const mine = { playback, abort: new AbortController() };
  current = mine;
  show();
  wake();
  playback.addEventListener("end", () => current === mine && stopPreview(), { once: true });
  playback.play();
  if (made.has(key)) return;
  try {
    clearProblem("voice");
    const text = SENTENCE[model.languages.includes("en") ? "en" : model.languages[0]] ?? SENTENCE.en;
    const response = await fetchSpeech({ text, model: model.id, voice: voice.id, speed: 1, seed: 1, controls: {}, clip: null }, mine.abort.signal);
    for await (const samples of readSpeech(response)) playback.append(samples);
    playback.finish();
    made.set(key, playback);
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error, "voice");
    if (current === mine) stopPreview();
  }
}

export function initializePreview() {
  byId("preview").addEventListener("click", () => (current ? stopPreview() : preview()));
  byId("voice").addEventListener("change", stopPreview);
}
