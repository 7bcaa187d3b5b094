// Files dropped anywhere on the page become the reference clip, rather than replacing the page.

import { byId } from "../element.js";

export function initializeDrop(take) {
  const zone = byId("drop");
  let depth = 0; // dragenter and dragleave come for every child, too

  const holdsFile = (event) => [...event.dataTransfer.types].includes("Files");
  const show = () => {
    zone.dataset.over = String(depth > 0);
  };

  document.addEventListener("dragenter", (event) => {
    if (holdsFile(event)) depth++;
    show();
  });
  document.addEventListener("dragleave", (event) => {
    if (holdsFile(event)) depth = Math.max(0, depth - 1);
    show();
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
    show();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
