// A short message at the lower edge of the page, with an optional button such as "Undo". It disappears after TIME or when another one is shown.

import { byId, element, icon } from "./element.js";
import { onLanguage, t } from "./language.js";

const TIME = 15_000; // milliseconds

let shown = null; // {getText, offer}
let timer = null;

export function hideToast() {
  clearTimeout(timer);
  shown = null;
  draw();
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (byId("toast").matches(":hover, :focus-within")) wait(); // it is being read or used
    else hideToast();
  }, TIME);
}

function draw() {
  if (!shown) {
    byId("toast").replaceChildren();
    return;
  }
  const { getText, offer } = shown;
  const act = () => {
    hideToast();
    offer.act();
  };
  const close = element("button", { type: "button", class: "icon-button", "aria-label": t("toast.close"), onclick: hideToast }, icon("close"));
  const button = offer && element("button", { type: "button", class: "link", id: "toast-act", onclick: act }, t(offer.key));
  byId("toast").replaceChildren(element("div", { class: "toast" }, element("p", {}, getText()), button, close));
}

// `getText` returns the message, so that it can be repeated in another language. `offer` is {key, act}: label and action of the button.
export function showToast(getText, offer = null) {
  shown = { getText, offer };
  draw();
  wait();
}

export function initializeToast() {
  onLanguage(draw);
}
