// Short voice samples, played one at a time and apart from the player of results.

import { Playback } from "./audio/playback.js";
import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { fetchSpeech, readSpeech } from "./speech.js";

const made = new Map();
let current = null; // {playback, abort, onChange}

export function stopAudition() {
  const mine = current;
  current = null;
  mine?.abort.abort();
  mine?.playback.pause();
  mine?.onChange(false);
}

// Plays the speech of `values`, as fetchSpeech accepts them, and calls `onChange(isPlaying)` at the start and the end. With a `key` the audio is
// requested once only. Resolves when all samples have arrived; rejects with an ApiError.
export async function audition(values, onChange, key = null) {
  stopAudition();
  const known = made.get(key);
  const playback = known ?? new Playback(SAMPLE_RATE);
  const mine = { playback, abort: new AbortController(), onChange };
  current = mine;
  onChange(true);
  wake();
  playback.addEventListener("end", () => current === mine && stopAudition(), { once: true });
  playback.play();
  if (known) return;
  try {
    const response = await fetchSpeech(values, mine.abort.signal);
    for await (const samples of readSpeech(response)) playback.append(samples);
    playback.finish();
    if (key !== null) made.set(key, playback);
  } catch (error) {
    if (current === mine) stopAudition();
    if (error.name !== "AbortError") throw error;
  }
}
