// Generate and Stop: one run from the form, or from an earlier result, to the player.

import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { stopAudition } from "./audition.js";
import { byId } from "./element.js";
import { newSeed, readForm } from "./form.js";
import { onAsked } from "./key.js";
import { onLanguage, t } from "./language.js";
import { loadingWords } from "./loading.js";
import { player } from "./player.js";
import { clearProblems, inWords, repeatStatus, showProblem, showStatus } from "./problem.js";
import { showDone, showMaking, showPlace, showRunning, showWaiting } from "./progress.js";
import { newRequestId, watchPlace } from "./queue.js";
import { checkServer, isBusy, onProgress, server, settled } from "./server.js";
import { fetchSpeech, readSpeech } from "./speech.js";
import { estimateSeconds, textLength, textLimit, tooLongWords } from "./text.js";

const listeners = new Set();
const runningListeners = new Set();
let run = null; // {abort, begun}

// Calls `listener(made, samples, sampleRate)` for each result, whole or stopped.
export function onMade(listener) {
  listeners.add(listener);
}

// Calls `listener(isRunning)` when something begins to be made, and when that ends.
export function onRunning(listener) {
  runningListeners.add(listener);
}

// Ends the request, so that the server stops working on it, and silences the player.
export function stop() {
  run?.abort.abort();
  player.playback?.pause();
}

// A problem that can be told before asking the server, as [field, words]; or null.
function mistake(values) {
  if (!values.text.trim()) return ["input", () => t("error.no_text")];
  if (textLength() > textLimit()) return ["input", tooLongWords];
  if (!/^\d{0,15}$/.test(values.seed)) return ["seed", () => t("error.seed")];
  return null;
}

// Shows a problem beside its field and, where that is not beside the button, at the button too.
function tellProblem(error, field = null) {
  showProblem(error, field);
  const place = document.querySelector("[data-error-for]:not([hidden])");
  place?.scrollIntoView({ block: "nearest" });
  const isElsewhere = place?.dataset.errorFor !== "general";
  byId("status").dataset.problem = String(isElsewhere);
  showStatus(() => (isElsewhere ? inWords(error) : ""), "off"); // the field has said it already
}

function forgetProblem() {
  if (byId("status").dataset.problem === "true") showStatus(() => "", "off");
  delete byId("status").dataset.problem;
}

// `cloning` is how near the voice comes to the visitor's own recording; null where nobody expects a likeness.
function describe(values, response) {
  const model = response.headers.get("X-Model") ?? values.model;
  const voice = response.headers.get("X-Voice") ?? values.voice;
  const known = server.voices.find((other) => other.id === voice);
  return {
    ...values,
    modelName: server.models.find((other) => other.id === model)?.name ?? model,
    voiceName: known?.name ?? voice,
    cloning: values.clip || known?.removable ? response.headers.get("X-Voice-Cloning") : null,
    ignored: response.headers.get("X-Ignored-Parameters"),
    clipName: values.clip?.name ?? null,
    isPartial: false,
  };
}

// Before the page is left while something is being made the browser asks, since the rest of it would be lost.
function askBeforeLeaving(event) {
  event.preventDefault();
  event.returnValue = true; // for older browsers
}

function setRunning(mine) {
  run = mine;
  if (mine) window.addEventListener("beforeunload", askBeforeLeaving);
  else window.removeEventListener("beforeunload", askBeforeLeaving);
  showRunning(mine !== null);
  for (const listener of runningListeners) listener(mine !== null);
}

function generate() {
  if (run) return;
  clearProblems();
  forgetProblem();
  const values = readForm();
  const wrong = mistake(values);
  if (wrong) return tellProblem(wrong[1], wrong[0]);
  // A seed of our own makes the result repeatable from the history, although the field was left empty.
  make({ ...values, seed: values.seed === "" ? newSeed() : Number(values.seed) });
}

// Makes the result `made` again, with the seed in it. The form stays as it is.
export function makeTake({ text, model, voice, language, normalization, speed, seed, controls, clip }) {
  if (run) return;
  clearProblems();
  forgetProblem();
  make({ text, model, voice, language, normalization, speed, seed, controls: controls ?? {}, clip: clip ?? null });
}

async function make(values) {
  stopAudition();
  wake();
  const mine = { abort: new AbortController(), begun: performance.now() };
  setRunning(mine);
  showWaiting();
  try {
    await speak(values, mine);
  } catch (error) {
    if (error.name === "AbortError") showStatus(() => t("progress.stopped"));
    else tellProblem(error);
  } finally {
    setRunning(null);
  }
}

function waitingWords(id) {
  const model = server.models.find((other) => other.id === id);
  return model && isBusy(model) ? loadingWords(model) : t("progress.waiting");
}

// The response, and in the status which place the request has in the server's queue.
async function fetchInTurn(values, mine) {
  const id = newRequestId();
  let isRepeated = false;
  const unwatch = watchPlace(id, (place) => {
    showPlace(place, isRepeated);
    isRepeated = true;
  });
  try {
    return await fetchSpeech(values, mine.abort.signal, id);
  } finally {
    unwatch();
  }
}

// A model that is not loaded begins to be when it is asked to speak: then wait for it and ask again.
async function fetchOnceLoaded(values, mine) {
  for (;;) {
    try {
      return await fetchInTurn(values, mine);
    } catch (error) {
      if (error.code !== "model_loading") throw error;
      showWaiting(() => waitingWords(values.model));
      const model = await settled(values.model, mine.abort.signal);
      if (!["ready", "failed"].includes(model?.state)) throw error; // somebody gave it up
      mine.begun = performance.now();
      showWaiting();
    }
  }
}

const secondsSince = (time) => (performance.now() - time) / 1000;

async function speak(values, mine) {
  player.playback?.pause();
  const expected = Math.max(0.5, estimateSeconds(values.text, values.speed));
  const response = await fetchOnceLoaded(values, mine);
  if (server.state === "locked") checkServer(); // the key came with this request
  const made = describe(values, response);
  let playback = null;
  try {
    for await (const samples of readSpeech(response)) {
      if (!playback) {
        made.firstSound = secondsSince(mine.begun);
        playback = player.load(made, SAMPLE_RATE, expected);
        playback.play();
      }
      player.append(samples, playback);
      showMaking(playback.seconds, expected, secondsSince(mine.begun) - made.firstSound);
    }
  } catch (error) {
    made.isPartial = true;
    throw error;
  } finally {
    if (playback) end(made, playback, mine);
  }
  if (!playback) throw new Error(t("error.no_audio"));
}

function end(made, playback, mine) {
  made.took = secondsSince(mine.begun);
  player.finish(playback);
  showDone(playback.seconds);
  for (const listener of listeners) listener(made, playback.samples.slice(), playback.sampleRate);
}

export function initializeGenerate() {
  byId("speech-form").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  for (const kind of ["input", "change"]) byId("speech-form").addEventListener(kind, forgetProblem);
  byId("stop").addEventListener("click", stop);
  onAsked((milliseconds) => {
    if (run) run.begun += milliseconds; // the time to type a key is nobody's waiting for sound
  });
  onLanguage(repeatStatus);
  onProgress(repeatStatus);
}
