// A sentence in the chosen voice, to choose by ear. What was made once is not made again.

import { audition, stopAudition } from "./audition.js";
import { byId } from "./element.js";
import { selectedModel } from "./model.js";
import { clearProblem, showProblem } from "./problem.js";
import { selectedVoice } from "./voice.js";

const SENTENCE = { en: "Hello! This is how I sound.", zh: "你好！这就是我的声音。" };

const isPlaying = () => byId("preview").dataset.playing === "true";

function show(playing) {
  byId("preview").dataset.playing = String(playing);
}

async function preview() {
  const model = selectedModel();
  const voice = selectedVoice();
  if (!model || !voice) return;
  const text = SENTENCE[model.languages.includes("en") ? "en" : model.languages[0]] ?? SENTENCE.en;
  clearProblem("voice");
  try {
    await audition({ text, model: model.id, voice: voice.id, speed: 1, seed: 1, controls: {}, clip: null }, show, `${model.id}/${voice.id}`);
  } catch (error) {
    showProblem(error, "voice");
  }
}

export function initializePreview() {
  byId("preview").addEventListener("click", () => (isPlaying() ? stopAudition() : preview()));
  byId("voice").addEventListener("change", stopAudition);
}
