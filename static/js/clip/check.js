// Is the clip good enough? At once by the browser's own measurement, then by the server's.

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
let problems = []; // the server's own sentences, in English

// A verdict is [grade, words]; the grades are good, warn and bad.
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

// The server measures more closely: its sentences take the place of the page's for those who read English. For others they are shown only
// where the page itself has found nothing.
function allVerdicts() {
  if (problems.length === 0) return [...local(), ...remote()];
  if (currentLanguage() === "en") return problems.map((problem) => ["warn", problem]);
  const own = local();
  if (own.some(([grade]) => grade !== "good")) return own;
  return [...own, ...problems.map((problem) => ["warn", t("check.server", { problem })])];
}

// Shows the verdicts again, in the language of now.
export function tellCheck() {
  const verdicts = allVerdicts();
  byId("clip-check").replaceChildren(...verdicts.map(([grade, words]) => element("li", { "data-grade": grade }, words)));
}

export function clearCheck() {
  local = remote = () => [];
  problems = [];
  tellCheck();
}

// `samples` is null where the browser could not decode the file.
export function showLocalCheck(samples, sampleRate) {
  if (samples === null) {
    local = () => [["warn", t("check.undecodable")]];
  } else {
    const measured = measure(samples, sampleRate);
    const isSilent = measured.rms < SILENT;
    local = () => [judgeLength(measured.seconds), judgeLevel(measured), ...(isSilent ? [] : judgeSpeech(measured.speechShare))];
  }
  tellCheck();
}

// Rejects with the server's ApiError where it refuses the clip.
export async function showServerCheck(file, isWanted) {
  remote = () => [["wait", t("check.asking")]];
  tellCheck();
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
    if (isWanted()) tellCheck();
  }
}
