// Light and dark theme: the system's setting, until the user chooses one.

import { byId } from "./element.js";
import { recall, remember } from "./remembered.js";
import { signal } from "./signal.js";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const changes = signal();

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

// Calls `listener` after each change; canvases are repainted then.
export const onTheme = changes.on;

function changed() {
  byId("theme").setAttribute("aria-pressed", String(isDark()));
  changes.emit();
}

export function initializeTheme() {
  const chosen = recall("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  byId("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", document.documentElement.dataset.theme);
    changed();
  });
  system.addEventListener("change", changed);
  changed();
}
