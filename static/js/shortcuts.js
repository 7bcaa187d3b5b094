// Keyboard shortcuts of the whole page.

import { stopAudition } from "./audition.js";
import { stopRecording } from "./clip/microphone.js";
import { byId } from "./element.js";
import { stop } from "./generate.js";
import { player } from "./player.js";

// Elements that handle Space themselves when they have the focus.
const TAKES_SPACE = "textarea, select, button, a, summary, label, dialog, input:not([type=range])";

export function initializeShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      byId("speech-form").requestSubmit();
    } else if (event.key === "Escape") {
      stop();
      stopAudition();
      stopRecording();
    } else if (event.key === " " && !event.target.closest?.(TAKES_SPACE) && player.toggle()) {
      event.preventDefault();
    }
  });
}
