// Light and dark: the system decides until the reader does.

import { byId } from "./element.js";
import { recall, remember } from "./remembered.js";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

// Calls `listener` after each change; canvases repaint with it.
export function onTheme(listener) {
  listeners.add(listener);
}

function changed() {
  byId("theme").setAttribute("aria-pressed", String(isDark()));
  for (const listener of listeners) listener();
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
