// Checks the quality of the clip: first by the browser's measurement, then by the server's.

import { requestJson } from "../api.js";
import { measure } from "../audio/pcm.js";
import { byId, element } from "../element.js";
import { currentLanguage, decimal, t } from "../language.js";

const SHORTEST = 1; // seconds
const COMFORTABLE = [3, 40];
const QUIET = -38; // dBFS
const SILENT = -60;
const CLIPPED_SHARE = 0.0005;
const SPEECH_SHARE = 0.3;

const longest = JSON.parse(byId("page-config").textContent).maxClipSeconds ?? 120;

let local = () => [];
let remote = () => [];
let problems = []; // the server's messages, in English

// A verdict is [grade, message]; the grades are good, warn and bad.
function judgeLength(seconds) {
  const words = { seconds: decimal(seconds), longest };
  if (seconds < SHORTEST) return ["bad", t("check.too_short", words)];
  if (seconds < COMFORTABLE[0]) return ["warn", t("check.short", words)];
  if (seconds > longest) return ["bad", t("check.too_long", words)];
  if (seconds > COMFORTABLE[1]) return ["warn", t("check.long", words)];
  return ["good", t("check.length", words)];
}

function judgeLevel({ rms, clippedShare }) {
  const words = { level: decimal(rms, 0) };
  if (rms < SILENT) return ["bad", t("check.silent", words)];
  if (clippedShare > CLIPPED_SHARE) return ["warn", t("check.clipped", words)];
  if (rms < QUIET) return ["warn", t("check.quiet", words)];
  return ["good", t("check.level", words)];
}

function judgeSpeech(share) {
  return share < SPEECH_SHARE ? [["warn", t("check.pauses", { share: Math.round(100 * share) })]] : [];
}

// The server's measurement is more precise: in English its messages replace the page's. In other languages they are shown only
// if the page itself has found no problem.
function allVerdicts() {
  if (problems.length === 0) return [...local(), ...remote()];
  if (currentLanguage() === "en") return problems.map((problem) => ["warn", problem]);
  const own = local();
  if (own.some(([grade]) => grade !== "good")) return own;
  return [...own, ...problems.map((problem) => ["warn", t("check.server", { problem })])];
}

// Shows the verdicts again, in the current language.
export function repeatCheck() {
  const verdicts = allVerdicts();
  byId("clip-check").replaceChildren(...verdicts.map(([grade, words]) => element("li", { "data-grade": grade }, words)));
}

export function clearCheck() {
  local = remote = () => [];
  problems = [];
  repeatCheck();
}

// `samples` is null if the browser could not decode the file.
export function showLocalCheck(samples, sampleRate) {
  if (samples === null) {
    local = () => [["warn", t("check.undecodable")]];
  } else {
    const measured = measure(samples, sampleRate);
    const isSilent = measured.rms < SILENT;
    local = () => [judgeLength(measured.seconds), judgeLevel(measured), ...(isSilent ? [] : judgeSpeech(measured.speechShare))];
  }
  repeatCheck();
}

// Rejects with an ApiError if the server refuses the clip.
export async function showServerCheck(file, isWanted) {
  remote = () => [["wait", t("check.asking")]];
  repeatCheck();
  const body = new FormData();
  body.append("file", file, file.name);
  try {
    const report = await requestJson("page/clip", { method: "POST", body });
    if (!isWanted()) return;
    problems = report.problems;
    remote = () => [["good", t("check.accepted")]];
  } catch (error) {
    if (isWanted()) remote = () => [];
    throw error;
  } finally {
    if (isWanted()) repeatCheck();
  }
}
