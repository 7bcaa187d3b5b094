// What has just been done with the list, in words.

import { byId } from "../element.js";

let words = () => "";

// The status is a function, so that it follows a change of language.
export function tellWords(tell) {
  words = tell;
  repeatWords();
}

export function repeatWords() {
  byId("words-status").textContent = words();
}
