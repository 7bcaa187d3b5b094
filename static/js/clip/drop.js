// Files dropped anywhere on the page go by their kind: audio becomes the reference clip, a text or a book the text.

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
  let depth = 0; // dragenter and dragleave come for every child, too

  const holdsFile = (event) => [...event.dataTransfer.types].includes("Files");
  const show = (event) => {
    // Until a file is dropped the page knows its type at most, and that of few texts.
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
