// Generate and Stop: one run from the form to the player.

import { SAMPLE_RATE, wake } from "./audio/speaker.js";
import { stopAudition } from "./audition.js";
import { byId } from "./element.js";
import { newSeed, readForm } from "./form.js";
import { onAsked } from "./key.js";
import { decimal, onLanguage, t } from "./language.js";
import { loadingWords } from "./loading.js";
import { player } from "./player.js";
import { clearProblems, repeatStatus, showProblem, showStatus } from "./problem.js";
import { newRequestId, watchPlace } from "./queue.js";
import { checkServer, isBusy, onProgress, server, settled } from "./server.js";
import { fetchSpeech, readSpeech } from "./speech.js";
import { estimateSeconds, textLength, textLimit, tooLongWords } from "./text.js";

const listeners = new Set();
let run = null; // {abort, begun, firstSound}

// Calls `listener(made, samples, sampleRate)` for each result, whole or stopped.
export function onMade(listener) {
  listeners.add(listener);
}

// Ends the request, so that the server stops working on it, and silences the player.
export function stop() {
  run?.abort.abort();
  player.playback?.pause();
}

// A problem that can be told before asking the server, shown; or null.
function mistake(values) {
  if (!values.text.trim()) return ["input", t("error.no_text")];
  if (textLength() > textLimit()) return ["input", tooLongWords()];
  if (!/^\d{0,15}$/.test(values.seed)) return ["seed", t("error.seed")];
  return null;
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

function showRunning(isRunning) {
  const hadFocus = [byId("generate"), byId("stop")].includes(document.activeElement);
  byId("generate").hidden = isRunning;
  byId("stop").hidden = !isRunning;
  byId("progress").hidden = !isRunning;
  if (isRunning) byId("progress-bar").removeAttribute("value"); // indeterminate until the first sound
  if (hadFocus) byId(isRunning ? "stop" : "generate").focus();
}

function firstSoundWords(mine) {
  return mine.firstSound === null ? "" : t("progress.first", { seconds: decimal(mine.firstSound, mine.firstSound < 1 ? 2 : 1) });
}

async function generate() {
  if (run) return;
  clearProblems();
  const values = readForm();
  const wrong = mistake(values);
  if (wrong) return showProblem(wrong[1], wrong[0]);
  stopAudition();
  wake();
  // A seed of our own makes the result repeatable from the history, although the field was left empty.
  const wanted = { ...values, seed: values.seed === "" ? newSeed() : Number(values.seed) };
  const mine = { abort: new AbortController(), begun: performance.now(), firstSound: null };
  run = mine;
  showRunning(true);
  showStatus(() => t("progress.waiting"));
  try {
    await speak(wanted, mine);
  } catch (error) {
    if (error.name === "AbortError") {
      showStatus(() => t("progress.stopped"));
    } else {
      showStatus(() => "");
      showProblem(error);
      if (error.code === "unreachable") checkServer();
    }
  } finally {
    run = null;
    showRunning(false);
  }
}

function waitingWords(id) {
  const model = server.models.find((other) => other.id === id);
  return model && isBusy(model) ? loadingWords(model) : t("progress.waiting");
}

function placeWords({ position, estimated_seconds: estimated }) {
  const seconds = Math.max(1, Math.ceil(estimated));
  return position === 1 ? t("progress.next", { seconds }) : t("progress.queued", { before: position - 1, seconds });
}

// The response, and in the status how far the request is in the server's line.
async function fetchInTurn(values, mine) {
  const id = newRequestId();
  let hasTold = false;
  const unwatch = watchPlace(id, (place) => {
    showStatus(() => (place ? placeWords(place) : t("progress.waiting")), hasTold && place ? "off" : "polite");
    hasTold = true;
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
      showStatus(() => waitingWords(values.model));
      const model = await settled(values.model, mine.abort.signal);
      if (!["ready", "failed"].includes(model?.state)) throw error; // somebody gave it up
      mine.begun = performance.now();
      showStatus(() => t("progress.waiting"));
    }
  }
}

async function speak(values, mine) {
  player.playback?.pause();
  const expected = Math.max(0.5, estimateSeconds(values.text, values.speed));
  const response = await fetchOnceLoaded(values, mine);
  if (server.state === "locked") checkServer(); // the key came with this request
  const made = describe(values, response);
  let isStarted = false;
  try {
    for await (const samples of readSpeech(response)) {
      if (!isStarted) {
        isStarted = true;
        begin(made, expected, mine);
      }
      player.append(samples);
      showMade(expected, mine);
    }
  } catch (error) {
    made.isPartial = true;
    throw error;
  } finally {
    if (isStarted) end(made, mine);
  }
  if (!isStarted) throw new Error(t("error.no_audio"));
}

function begin(made, expected, mine) {
  mine.firstSound = (performance.now() - mine.begun) / 1000;
  player.load(made, SAMPLE_RATE, expected);
  player.playback.play();
}

function showMade(expected, mine) {
  const seconds = player.playback.seconds;
  const total = Math.max(expected, seconds);
  byId("progress-bar").max = total;
  byId("progress-bar").value = seconds;
  showStatus(() => `${t("progress.made", { seconds: decimal(seconds), total: decimal(total) })} ${firstSoundWords(mine)}`, "off");
}

function end(made, mine) {
  player.finish();
  const seconds = player.playback.seconds;
  const took = (performance.now() - mine.begun) / 1000;
  showStatus(() => `${t("progress.done", { seconds: decimal(seconds), took: decimal(took) })} ${firstSoundWords(mine)}`);
  for (const listener of listeners) listener(made, player.playback.samples.slice(), player.playback.sampleRate);
}

export function initializeGenerate() {
  byId("speech-form").addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  byId("stop").addEventListener("click", stop);
  onAsked((milliseconds) => {
    if (run) run.begun += milliseconds; // the time to type a key is nobody's waiting for sound
  });
  onLanguage(repeatStatus);
  onProgress(repeatStatus);
}
