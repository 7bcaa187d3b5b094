// A reference clip from the microphone.

import { byId } from "../element.js";
import { clock, t } from "../language.js";
import { clearProblem, showProblem } from "../problem.js";

const LONGEST = 30; // seconds
const EXTENSIONS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

let stopCurrent = null;

// Ends a recording and discards it.
export function stopRecording() {
  stopCurrent?.(false);
}

const isPossible = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

// Browsers hide the microphone from plain-http addresses other than this machine's own.
function explainMissing() {
  byId("record").disabled = true;
  byId("microphone-words").dataset.t = window.isSecureContext ? "clip.no_recorder" : "clip.insecure";
  byId("microphone-words").textContent = t(byId("microphone-words").dataset.t);
}

function refusal(error) {
  if (error.name === "NotAllowedError") return t("clip.refused");
  if (error.name === "NotFoundError") return t("clip.no_microphone");
  return t("clip.microphone_failed", { message: error.message });
}

function watchLevel(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const wave = new Float32Array(analyser.fftSize);
  return {
    read() {
      analyser.getFloatTimeDomainData(wave);
      return Math.sqrt(Math.max(...wave.map(Math.abs)));
    },
    close: () => context.close(),
  };
}

async function record(take) {
  clearProblem("clip");
  let stream;
  try {
    // Without processing meant for calls, which would change the voice.
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
  } catch (error) {
    showProblem(refusal(error), "clip");
    return;
  }
  const recorder = new MediaRecorder(stream);
  const level = watchLevel(stream);
  const pieces = [];
  const begun = performance.now();
  let isKept = false;

  const timer = setInterval(() => {
    const seconds = (performance.now() - begun) / 1000;
    byId("recording-time").textContent = `${clock(seconds)} / ${clock(LONGEST)}`;
    byId("recording-level").value = level.read();
    if (seconds >= LONGEST) stopCurrent?.(true);
  }, 100);

  stopCurrent = (keep) => {
    stopCurrent = null;
    isKept = keep;
    recorder.stop();
  };
  recorder.ondataavailable = (event) => pieces.push(event.data);
  recorder.onstop = () => {
    clearInterval(timer);
    level.close();
    for (const track of stream.getTracks()) track.stop();
    byId("recording").hidden = true;
    byId("drop").hidden = false;
    const type = recorder.mimeType.split(";")[0];
    if (isKept) take(new File(pieces, `${t("clip.recorded")}.${EXTENSIONS[type] ?? "webm"}`, { type }));
    else byId("record").focus();
  };
  recorder.start();
  byId("recording-time").textContent = clock(0);
  byId("drop").hidden = true;
  byId("recording").hidden = false;
  byId("recording-done").focus();
}

export function initializeMicrophone(take) {
  if (!isPossible()) explainMissing();
  byId("record").addEventListener("click", () => record(take));
  byId("recording-done").addEventListener("click", () => stopCurrent?.(true));
  byId("recording-cancel").addEventListener("click", () => stopCurrent?.(false));
}
