// On narrow screens the buttons and the player stay at the lower edge of the window, and the page has a margin of their height.

import { byId } from "./element.js";

export function initializeDock() {
  const dock = byId("dock");
  const measure = () => {
    const isDocked = getComputedStyle(dock).position === "fixed";
    document.documentElement.style.setProperty("--dock-height", isDocked ? `${dock.offsetHeight}px` : "0px");
  };
  // Browsers treat elements behind the dock as visible, and do not scroll to them when they get the focus.
  document.addEventListener("focusin", ({ target }) => {
    if (getComputedStyle(dock).position !== "fixed" || target.closest("#dock, dialog, #toast, textarea")) return;
    const shown = target.closest("label, .wave") ?? target;
    if (shown.getBoundingClientRect().bottom > dock.getBoundingClientRect().top) shown.scrollIntoView({ block: "nearest" });
  });
  new ResizeObserver(measure).observe(dock, { box: "border-box" });
  window.addEventListener("resize", measure);
  measure();
}
