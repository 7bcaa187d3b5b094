// The status line of the list: the last change.

import { byId } from "../element.js";

let words = () => "";

// The status is a function, so that it can be repeated in another language.
export function showListStatus(getText) {
  words = getText;
  repeatWords();
}

export function repeatWords() {
  byId("words-status").textContent = words();
}
