// One result in the history: its text, how it was made, and its buttons.

import { element, icon } from "../element.js";
import { formatDate, decimal, exactClock, t } from "../language.js";

function about(entry) {
  const words = [entry.clipName ? t("result.clip", { name: entry.clipName }) : entry.voiceName, `${decimal(entry.speed, 2)} ×`, exactClock(entry.seconds)];
  if (entry.isPartial) words.push(t("history.partial"));
  if (typeof entry.seed === "number") words.push(t("seed.of", { seed: entry.seed }));
  return [...words, formatDate(entry.created)].join(" · ");
}

const shortened = ({ text }) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

function button(name, key, entry, onclick) {
  return element("button", { type: "button", class: "icon-button", "aria-label": t(key, { text: shortened(entry) }), title: t(`${key}_title`), onclick }, icon(name));
}

// Shows in a row whether its result is playing.
export function showPlaying(row, entry, isPlaying) {
  const key = isPlaying ? "history.pause" : "history.replay";
  const play = row.querySelector(".history-play");
  row.dataset.playing = String(isPlaying);
  play.dataset.playing = String(isPlaying);
  play.setAttribute("aria-label", t(key, { text: shortened(entry) }));
  play.title = t(`${key}_title`);
}

// `on` has the handlers of the buttons: replay, reuse, download and remove.
export function historyRow(entry, on) {
  const play = element("button", { type: "button", class: "icon-button history-play", onclick: () => on.replay(entry) }, icon("play", "icon-play"), icon("pause", "icon-pause"));
  const words = element("div", { class: "history-words" }, element("p", { class: "history-text" }, entry.text), element("p", { class: "muted small" }, about(entry)));
  const buttons = element(
    "div",
    { class: "history-buttons" },
    button("pencil", "history.reuse", entry, () => on.reuse(entry)),
    button("download", "history.download", entry, () => on.download(entry)),
    button("trash", "history.delete", entry, () => on.remove(entry)),
  );
  const row = element("li", {}, play, words, buttons);
  showPlaying(row, entry, false);
  return row;
}
