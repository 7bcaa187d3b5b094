// Repeats the result that is shown: with the same seed, or with a new one.

import { byId } from "./element.js";
import { newSeed } from "./form.js";
import { makeTake, onRunning } from "./generate.js";
import { onLanguage, t } from "./language.js";
import { onResult, player } from "./player.js";
import { showToast } from "./toast.js";

// Plain-http addresses of other machines have no clipboard; there the old command still works.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function copySeed() {
  const { seed } = player.made;
  await copy(String(seed));
  byId("seed-copy").focus();
  showToast(() => t("seed.copied", { seed }));
}

function show() {
  const seed = player.made?.seed;
  byId("seed-copy").hidden = typeof seed !== "number";
  byId("seed-copy").textContent = t("seed.of", { seed });
}

export function initializeTakes() {
  byId("seed-copy").addEventListener("click", copySeed);
  byId("take-same").addEventListener("click", () => makeTake(player.made));
  byId("take-new").addEventListener("click", () => makeTake({ ...player.made, seed: newSeed() }));
  onRunning((isRunning) => {
    for (const id of ["take-same", "take-new"]) byId(id).disabled = isRunning;
  });
  onResult(show);
  onLanguage(show);
}
