// The AudioContext of the page. It is created by the first click, as browsers require.

import { recall, remember } from "../remembered.js";

export const SAMPLE_RATE = 24000; // the rate requested from the server: without resampling, joined pieces stay sample-exact

let context = null;
let volume = null;

export function speaker() {
  if (!context) {
    context = new AudioContext({ sampleRate: SAMPLE_RATE });
    volume = context.createGain();
    volume.gain.value = currentVolume();
    volume.connect(context.destination);
  }
  return { context, output: volume };
}

// Call it in a click or key handler: some browsers allow audio only from there.
export function wake() {
  speaker().context.resume();
}

export function currentVolume() {
  return recall("volume") ?? 1;
}

export function setVolume(value) {
  remember("volume", value);
  if (volume) volume.gain.setTargetAtTime(value, context.currentTime, 0.02);
}
