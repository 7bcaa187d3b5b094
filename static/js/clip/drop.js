// Files dropped on the page are used by their kind: audio as the reference clip, documents as the text.

import { byId } from "../element.js";
import { importText, refuseFile } from "../import/import.js";
import { kindOf } from "../import/kind.js";

function take(files, takeClip) {
  const kinds = files.map((file) => ({ file, kind: kindOf(file) }));
  const audio = kinds.find(({ kind }) => kind === "audio");
  const text = kinds.find(({ kind }) => kind === "text" || kind === "epub");
  if (audio) takeClip(audio.file);
  if (text) importText(text.file);
  if (!audio && !text && files.length) refuseFile(files[0]);
}

export function initializeDrop(takeClip) {
  const zones = { audio: byId("drop"), text: byId("text") };
  let depth = 0; // dragenter and dragleave are also fired for children

  const holdsFile = (event) => [...event.dataTransfer.types].includes("Files");
  const show = (event) => {
    // Before the drop only the type is available, and browsers set it for few text files.
    const isAudio = [...event.dataTransfer.items].some((item) => kindOf({ type: item.type }) === "audio");
    zones.audio.dataset.over = String(depth > 0 && isAudio);
    zones.text.dataset.over = String(depth > 0 && !isAudio);
  };

  document.addEventListener("dragenter", (event) => {
    if (holdsFile(event)) depth++;
    show(event);
  });
  document.addEventListener("dragleave", (event) => {
    if (holdsFile(event)) depth = Math.max(0, depth - 1);
    show(event);
  });
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    depth = 0;
    show(event);
    take([...event.dataTransfer.files], takeClip);
  });
}
