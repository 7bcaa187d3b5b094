// The dialog that asks for an API key, where the server wants one.

import { byId } from "./element.js";
import { translate } from "./language.js";
import { recall, remember } from "./remembered.js";

let asking = null;

// Resolves to true once a key is saved, to false if the reader gives up. Several callers share one dialog.
export function askKey() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

function ask() {
  const dialog = byId("key-dialog");
  const input = byId("key");
  const refused = recall("key");
  input.value = refused ?? "";
  byId("key-words").dataset.t = refused ? "key.refused" : "key.words";
  translate(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const key = input.value.trim();
        const isSaved = dialog.returnValue === "save" && key !== "";
        if (isSaved) remember("key", key);
        resolve(isSaved);
      },
      { once: true },
    );
  });
}
