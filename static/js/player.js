// The player of a result, with its waveform.

import { currentVolume, setVolume } from "./audio/speaker.js";
import { Playback } from "./audio/playback.js";
import { Waveform } from "./audio/waveform.js";
import { byId } from "./element.js";
import { clock, decimal, exactClock, has, onLanguage, t } from "./language.js";
import { modelName } from "./model.js";
import { signal } from "./signal.js";

const resultChanges = signal();
const playingChanges = signal();

// `made` describes the result: {text, modelName, voiceName, cloning, ignored, isPartial, …}, null without a result. It has an `id` once it
// is in the history.
export const player = {
  playback: null,
  made: null,

  // Shows a new result and returns its playback. Its samples follow through append() and finish().
  load(made, sampleRate, expectedSeconds = 0) {
    this.playback?.pause();
    this.made = made;
    this.playback = new Playback(sampleRate);
    this.playback.addEventListener("change", follow);
    waveform.clear(sampleRate, expectedSeconds);
    byId("result").dataset.state = "made";
    byId("result-empty").hidden = true;
    byId("player").hidden = false;
    byId("dock-player").hidden = false;
    showResult();
    follow();
    return this.playback;
  },

  // Adds samples to a result that load() has shown; another one may be shown meanwhile.
  append(samples, playback) {
    playback.append(samples);
    if (playback !== this.playback) return;
    waveform.append(samples);
    showTime();
  },

  finish(playback) {
    playback.finish();
    if (playback !== this.playback) return;
    waveform.finish();
    showResult();
    showTime();
  },

  // Shows changes of `made`.
  update(made) {
    if (made === this.made) showResult();
  },

  // Returns whether there was anything to play or pause.
  toggle() {
    this.playback?.toggle();
    return this.playback !== null;
  },
};

let waveform = null;

// Calls `listener` after each change of the result.
export const onResult = resultChanges.on;

// Calls `listener` when the result starts or stops playing.
export const onPlaying = playingChanges.on;

function follow() {
  const { playback } = player;
  for (const button of [byId("play"), byId("dock-play")]) {
    button.dataset.playing = String(playback.isPlaying);
    button.setAttribute("aria-label", t(playback.isPlaying ? "player.pause" : "player.play"));
  }
  playingChanges.emit();
  showTime();
  if (playback.isPlaying) requestAnimationFrame(() => playback === player.playback && followFrame());
}

function followFrame() {
  showTime();
  if (player.playback.isPlaying) requestAnimationFrame(followFrame);
}

function showTime() {
  const { playback } = player;
  if (!playback) return;
  const { position, isFinished } = playback;
  const seconds = isFinished ? playback.seconds : waveform.seconds;
  const seek = byId("seek");
  seek.max = seconds;
  seek.value = position;
  seek.setAttribute("aria-valuetext", t("player.position", { position: exactClock(position, seconds), seconds: exactClock(seconds) }));
  const words = isFinished ? `${exactClock(position, seconds)} / ${exactClock(seconds)}` : `${clock(position)} / ≈ ${clock(seconds)}`;
  for (const id of ["time", "dock-time"]) byId(id).textContent = words;
  waveform.played = position;
}

// In the current language, which may have changed since the result was made.
function nameOfModel(made) {
  return modelName({ id: made.model, name: made.modelName });
}

// "cfg_weight, temperature" -> "Guidance, Temperature"
function ignoredNames(names) {
  return names.split(/, ?/).map((name) => (has(`control.${name}`) ? t(`control.${name}`) : name)).join(", ");
}

function notes(made) {
  const all = [];
  if (made.isTooLarge) all.push(t("result.too_large"));
  if (made.isPartial) all.push(t("result.partial"));
  if (made.ignored) all.push(t("result.ignored", { model: nameOfModel(made), names: ignoredNames(made.ignored) }));
  return all.join(" ");
}

function numbers({ firstSound, took }) {
  const exact = (seconds) => decimal(seconds, seconds < 1 ? 2 : 1);
  return t("result.numbers", { first: exact(firstSound), took: exact(took) });
}

function showResult() {
  const { made, playback } = player;
  resultChanges.emit();
  if (!made) return;
  const words = [made.clipName ? t("result.clip", { name: made.clipName }) : made.voiceName, nameOfModel(made), `${decimal(made.speed, 2)} ×`];
  if (playback.isFinished) words.push(t("result.seconds", { seconds: decimal(playback.seconds) }));
  byId("result-words").textContent = words.filter(Boolean).join(" · ");
  byId("result-notes").textContent = notes(made);
  byId("result-details").hidden = made.took === undefined;
  byId("result-numbers").textContent = made.took === undefined ? "" : numbers(made);
  byId("result-cloning").hidden = !made.cloning;
  byId("result-cloning").textContent = made.cloning ? t(made.cloning === "matched" ? "result.matched" : "result.cloned") : "";
}

export function initializePlayer() {
  waveform = new Waveform(byId("wave-canvas"));
  for (const id of ["play", "dock-play"]) byId(id).addEventListener("click", () => player.toggle());
  byId("seek").addEventListener("input", (event) => player.playback?.seek(event.target.valueAsNumber));
  byId("seek").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 }[event.key];
    if (!step || !player.playback) return;
    event.preventDefault();
    player.playback.seek(player.playback.position + step);
  });
  byId("volume").value = currentVolume();
  byId("volume").addEventListener("input", (event) => setVolume(event.target.valueAsNumber));
  onLanguage(() => {
    showResult();
    if (player.playback) follow();
  });
}
