// Plays a sample sentence in a voice. Audio is cached by the page.

import { audition, stopAudition } from "./audition.js";
import { byId } from "./element.js";
import { selectedModel } from "./model.js";
import { clearProblem, showProblem } from "./problem.js";
import { selectedVoice } from "./voice.js";

const SENTENCE = { en: "Hello! This is how I sound.", zh: "你好！这就是我的声音。" };

// Plays the sentence with the selected model and marks `button` meanwhile; a second click stops it.
// `field` is the field beside which a problem is shown.
export async function hearVoice(voice, button, field) {
  if (button.dataset.playing === "true") return stopAudition();
  const model = selectedModel();
  if (!model || !voice) return;
  const text = SENTENCE[model.languages.includes("en") ? "en" : model.languages[0]] ?? SENTENCE.en;
  const show = (isPlaying) => {
    button.dataset.playing = String(isPlaying);
  };
  clearProblem(field);
  try {
    await audition({ text, model: model.id, voice: voice.id, speed: 1, seed: 1, controls: {}, clip: null }, show, `${model.id}/${voice.id}`);
  } catch (error) {
    showProblem(error, field);
  }
}

export function initializePreview() {
  byId("preview").addEventListener("click", () => hearVoice(selectedVoice(), byId("preview"), "voice"));
  byId("voice").addEventListener("change", stopAudition);
}
