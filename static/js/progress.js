// The progress of a request in the status line and the title of the tab: position in the queue, audio made, time left.

import { byId } from "./element.js";
import { clock, decimal, exactClock, t } from "./language.js";
import { onPlaying, player } from "./player.js";
import { showStatus } from "./problem.js";

const NAME = "Parlance";
const SOONEST = 0.5; // seconds of work before the time left is estimated

let share = null; // of the audio made so far; null without a synthesis
let isUnseen = false; // a result was finished while the page was hidden

// Shows the progress in the title (`made` between 0 and 1), or removes it (null).
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

// `place` is {position, estimated_seconds}, or null when the request has left the queue; `isRepeated`: the position was shown before.
export function showPlace(place, isRepeated) {
  if (!place) return showWaiting();
  const seconds = Math.max(1, Math.ceil(place.estimated_seconds));
  const words = () => (place.position === 1 ? t("progress.next", { seconds }) : t("progress.queued", { before: place.position - 1, seconds }));
  showStatus(words, isRepeated ? "off" : "polite");
}

function leftWords(seconds) {
  return seconds < 60 ? t("progress.left", { seconds: Math.max(1, Math.ceil(seconds)) }) : t("progress.left_minutes", { time: clock(seconds) });
}

// `seconds` of about `expected` seconds of audio have arrived, `elapsed` seconds after the first of them.
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

// Shows or hides the elements for a running synthesis.
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
