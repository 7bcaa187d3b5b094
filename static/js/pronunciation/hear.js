// "Say it": plays a word with the pronunciation of a rule, in the selected voice.

import { audition, stopAudition } from "../audition.js";
import { selectedModel } from "../model.js";
import { spokenLanguage } from "../spoken.js";
import { selectedVoice } from "../voice.js";

// Speaks `text` with the rules of the dictionary `id`; a second click on `button` stops. Rejects with an ApiError.
export async function hear(button, text, id = null) {
  if (button.dataset.playing === "true") {
    stopAudition();
    return;
  }
  const values = {
    text,
    model: selectedModel()?.id ?? null,
    voice: selectedVoice()?.id ?? null,
    language: spokenLanguage(),
    dictionaries: id === null ? null : [{ pronunciation_dictionary_id: id }],
    speed: 1,
    seed: 1,
    controls: {},
    clip: null,
  };
  await audition(values, (isPlaying) => {
    button.dataset.playing = String(isPlaying);
  });
}
