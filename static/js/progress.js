// What the status line and the title of the tab say of a request: its place in the queue, how much is made, how long the rest takes.

import { byId } from "./element.js";
import { clock, decimal, exactClock, t } from "./language.js";
import { onPlaying, player } from "./player.js";
import { showStatus } from "./problem.js";

const NAME = "Parlance";
const SOONEST = 0.5; // seconds of work before the time left is estimated

let share = null; // of the audio that is being made; null while nothing is
let isUnseen = false; // a result was finished while nobody saw the page

// Shows in the title that something is being made (`made` between 0 and 1), or, by null, that nothing is.
function showTitle(made) {
  if (share !== null && made === null) isUnseen = document.hidden && Boolean(player.playback);
  share = made;
  repeatTitle();
}

function repeatTitle() {
  if (share !== null) document.title = `${share ? `${decimal(100 * share, 0)} %` : "…"} · ${NAME}`;
  else document.title = player.playback?.isPlaying || isUnseen ? `▶ ${NAME}` : NAME;
}

export function showWaiting(words = () => t("progress.waiting")) {
  showTitle(0);
  showStatus(words);
}

// `place` is {position, estimated_seconds}, null once the request is not in the queue any more; `isRepeated` says that it was shown before.
export function showPlace(place, isRepeated) {
  if (!place) return showWaiting();
  const seconds = Math.max(1, Math.ceil(place.estimated_seconds));
  const words = () => (place.position === 1 ? t("progress.next", { seconds }) : t("progress.queued", { before: place.position - 1, seconds }));
  showStatus(words, isRepeated ? "off" : "polite");
}

function leftWords(seconds) {
  return seconds < 60 ? t("progress.left", { seconds: Math.max(1, Math.ceil(seconds)) }) : t("progress.left_minutes", { time: clock(seconds) });
}

// `seconds` of audio are there of about `expected`, after `elapsed` seconds since the first of them.
export function showMaking(seconds, expected, elapsed) {
  const total = Math.max(expected, seconds);
  const rest = elapsed > SOONEST && seconds < expected ? (elapsed * (expected - seconds)) / seconds : null;
  byId("progress-bar").max = total;
  byId("progress-bar").value = seconds;
  showTitle(Math.min(0.99, seconds / total));
  showStatus(() => {
    const words = t("progress.making", { done: clock(seconds), total: clock(total) });
    return rest === null ? words : `${words}${leftWords(rest)}`;
  }, "off");
}

export function showDone(seconds) {
  showStatus(() => t("progress.done", { time: exactClock(seconds) }));
}

// Shows or hides what is there only while something is being made.
export function showRunning(isRunning) {
  const hadFocus = [byId("generate"), byId("stop")].includes(document.activeElement);
  byId("generate").hidden = isRunning;
  byId("stop").hidden = !isRunning;
  byId("progress").hidden = !isRunning;
  if (isRunning) byId("progress-bar").removeAttribute("value"); // indeterminate until the first sound
  if (hadFocus) byId(isRunning ? "stop" : "generate").focus();
  showTitle(isRunning ? 0 : null);
}

export function initializeProgress() {
  onPlaying(repeatTitle);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) isUnseen = false;
    repeatTitle();
  });
}
