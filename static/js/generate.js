// Generate and Stop: one synthesis, from the form or an earlier result to the player.

import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { stopAudition } from "./audition.js";
import { byId } from "./element.js";
import { newSeed, readForm } from "./form.js";
import { onDialogClosed } from "./key.js";
import { onLanguage, t } from "./language.js";
import { loadingText } from "./loading.js";
import { player } from "./player.js";
import { clearProblems, errorMessage, repeatStatus, showProblem, showStatus } from "./problem.js";
import { showDone, showMaking, showPlace, showRunning, showWaiting } from "./progress.js";
import { newRequestId, watchPosition } from "./queue.js";
import { checkServer, isBusy, onProgress, server, waitForModel } from "./server.js";
import { signal } from "./signal.js";
import { fetchSpeech, readSpeech } from "./speech.js";
import { estimateSeconds, textLength, textLimit, tooLongMessage } from "./text.js";

const results = signal();
const runningChanges = signal();
let run = null; // {abort, begun}

// Calls `listener(made, samples, sampleRate)` for each result, complete or stopped.
export const onMade = results.on;

// Calls `listener(isRunning)` when a synthesis starts and when it ends.
export const onRunning = runningChanges.on;

// Ends the request, so that the server stops working on it, and silences the player.
export function stop() {
  run?.abort.abort();
  player.playback?.pause();
}

// A problem found without the server, as [field, message], or null.
function validate(values) {
  if (!values.text.trim()) return ["input", () => t("error.no_text")];
  if (textLength() > textLimit()) return ["input", tooLongMessage];
  if (!/^\d{0,15}$/.test(values.seed)) return ["seed", () => t("error.seed")];
  return null;
}

// Shows a problem beside its field and, if that is not beside the button, beside the button as well.
function reportProblem(error, field = null) {
  showProblem(error, field);
  const place = document.querySelector("[data-error-for]:not([hidden])");
  place?.scrollIntoView({ block: "nearest" });
  const isElsewhere = place?.dataset.errorFor !== "general";
  byId("status").dataset.problem = String(isElsewhere);
  showStatus(() => (isElsewhere ? errorMessage(error) : ""), "off"); // screen readers announce the message of the field
}

function clearStatusProblem() {
  if (byId("status").dataset.problem === "true") showStatus(() => "", "off");
  delete byId("status").dataset.problem;
}

// Describes a result. `cloning` is "matched" or "cloned" for a voice from a recording of the user, else null.
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

// Has the browser ask before the page is left during a synthesis, since the rest of the audio would be lost.
function confirmLeaving(event) {
  event.preventDefault();
  event.returnValue = true; // for older browsers
}

function setRunning(mine) {
  run = mine;
  if (mine) window.addEventListener("beforeunload", confirmLeaving);
  else window.removeEventListener("beforeunload", confirmLeaving);
  showRunning(mine !== null);
  runningChanges.emit(mine !== null);
}

function generate() {
  if (run) return;
  clearProblems();
  clearStatusProblem();
  const values = readForm();
  const wrong = validate(values);
  if (wrong) return reportProblem(wrong[1], wrong[0]);
  // If the field is empty the page chooses a seed, so that the result can be repeated from the history.
  make({ ...values, seed: values.seed === "" ? newSeed() : Number(values.seed) });
}

// Makes a result again, with its seed. The form is not changed.
export function makeTake({ text, model, voice, language, normalization, speed, seed, controls, clip }) {
  if (run) return;
  clearProblems();
  clearStatusProblem();
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
    else reportProblem(error);
  } finally {
    setRunning(null);
  }
}

function waitingText(id) {
  const model = server.models.find((other) => other.id === id);
  return model && isBusy(model) ? loadingText(model) : t("progress.waiting");
}

// Requests the speech, and shows the position in the server's queue meanwhile.
async function fetchQueued(values, mine) {
  const id = newRequestId();
  let isRepeated = false;
  const unwatch = watchPosition(id, (place) => {
    showPlace(place, isRepeated);
    isRepeated = true;
  });
  try {
    return await fetchSpeech(values, mine.abort.signal, id);
  } finally {
    unwatch();
  }
}

// Requests the speech. If that starts the loading of the model, waits for it and requests the speech again.
async function fetchOnceLoaded(values, mine) {
  for (;;) {
    try {
      return await fetchQueued(values, mine);
    } catch (error) {
      if (error.code !== "model_loading") throw error;
      showWaiting(() => waitingText(values.model));
      const model = await waitForModel(values.model, mine.abort.signal);
      if (!["ready", "failed"].includes(model?.state)) throw error; // loading was cancelled
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
  results.emit(made, playback.samples.slice(), playback.sampleRate);
}

export function initializeGenerate() {
  byId("speech-form").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  for (const kind of ["input", "change"]) byId("speech-form").addEventListener(kind, clearStatusProblem);
  byId("stop").addEventListener("click", stop);
  onDialogClosed((milliseconds) => {
    if (run) run.begun += milliseconds; // the time to enter a key does not count as waiting for audio
  });
  onLanguage(repeatStatus);
  onProgress(repeatStatus);
}
