// A few words spoken to choose by ear, one at a time, beside the player of the results.

import { Playback } from "./audio/playback.js";
import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { fetchSpeech, readSpeech } from "./speech.js";

const made = new Map();
let current = null; // {playback, abort, tell}

export function stopAudition() {
  const mine = current;
  current = null;
  mine?.abort.abort();
  mine?.playback.pause();
  mine?.tell(false);
}

// Speaks `values`, as fetchSpeech takes them, and calls `tell(isPlaying)` at the start and the end. What has a `key` is spoken by the server
// once only. Resolves when all samples are there; rejects with an ApiError.
export async function audition(values, tell, key = null) {
  stopAudition();
  const known = made.get(key);
  const playback = known ?? new Playback(SAMPLE_RATE);
  const mine = { playback, abort: new AbortController(), tell };
  current = mine;
  tell(true);
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
