// One request for speech, with or without a reference clip, whose reply is read as it arrives.

import { ApiError, request } from "./api.js";
import { SAMPLE_RATE } from "./audio/speaker.js";
import { WavReader } from "./audio/wav.js";
import { clock } from "./language.js";
import { newRequestId } from "./queue.js";

function fields({ text, model, voice, language, normalization, dictionaries, speed, seed, controls, clip }) {
  const how = { response_format: "wav", stream: true, sample_rate: SAMPLE_RATE };
  const reading = { text_normalization: normalization === "off" ? "off" : null, pronunciation_dictionary_locators: dictionaries };
  const all = { model, input: text, voice: clip ? null : voice, language, ...reading, ...how, speed, seed, ...controls };
  return Object.entries(all).filter(([, value]) => value !== null && value !== undefined);
}

// Resolves to the response when its first audio arrives; rejects with an ApiError. `id` is the request id.
export function fetchSpeech(values, signal, id = newRequestId()) {
  const named = { "x-request-id": id };
  const path = "v1/audio/speech";
  if (!values.clip) {
    const body = JSON.stringify(Object.fromEntries(fields(values)));
    return request(path, { method: "POST", headers: { "Content-Type": "application/json", ...named }, body, signal });
  }
  const body = new FormData();
  for (const [name, value] of fields(values)) body.append(name, String(value));
  body.append("custom_voice_file", values.clip, values.clip.name);
  return request(path, { method: "POST", headers: named, body, signal });
}

// Yields Int16Arrays of samples at SAMPLE_RATE as they arrive; throws an ApiError if the reply ends early.
export async function* readSpeech(response) {
  const wav = new WavReader();
  let count = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const samples = wav.read(value);
      count += samples.length;
      if (samples.length) yield samples;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("", { code: count ? "interrupted" : "interrupted_at_once", values: { received: clock(count / SAMPLE_RATE) } });
  } finally {
    reader.cancel().catch(() => {});
  }
}
