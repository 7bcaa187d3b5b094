// A short message at the lower edge of the page, with an offer such as "Undo". It goes after a while, or when the next one comes.

import { byId, element, icon } from "./element.js";
import { onLanguage, t } from "./language.js";

const TIME = 15_000; // milliseconds

let shown = null; // {tell, offer}
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
  const { tell, offer } = shown;
  const act = () => {
    hideToast();
    offer.act();
  };
  const close = element("button", { type: "button", class: "icon-button", "aria-label": t("toast.close"), onclick: hideToast }, icon("close"));
  const button = offer && element("button", { type: "button", class: "link", id: "toast-act", onclick: act }, t(offer.key));
  byId("toast").replaceChildren(element("div", { class: "toast" }, element("p", {}, tell()), button, close));
}

// `tell` is a function that gives the words, so that they follow a change of language; `offer` is {key, act}: a string and what its button does.
export function showToast(tell, offer = null) {
  shown = { tell, offer };
  draw();
  wait();
}

export function initializeToast() {
  onLanguage(draw);
}
