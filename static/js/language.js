// The strings of the page in the user's language. Markup names a string with data-t (its text) or data-t-ATTRIBUTE.

import { signal } from "./signal.js";
import en from "./strings/en.js";
import zh from "./strings/zh.js";
import { recall, remember } from "./remembered.js";

const STRINGS = { en, zh };
const ATTRIBUTES = ["aria-label", "placeholder", "title"];
const changes = signal();
let language = "en";

export function currentLanguage() {
  return language;
}

export function has(key) {
  return Object.hasOwn(STRINGS[language], key);
}

// The string `key` with {name} replaced by values.name.
export function t(key, values = {}) {
  if (!has(key)) throw new Error(`There is no string ${key} in ${language}`);
  return STRINGS[language][key].replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

// Calls `listener` now and after each change of language.
export function onLanguage(listener) {
  changes.on(listener);
  listener();
}

export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const attribute of ATTRIBUTES) {
    for (const node of root.querySelectorAll(`[data-t-${attribute}]`)) node.setAttribute(attribute, t(node.getAttribute(`data-t-${attribute}`)));
  }
}

export function setLanguage(chosen) {
  language = Object.hasOwn(STRINGS, chosen) ? chosen : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  translate(document);
  delete document.documentElement.dataset.words;
  changes.emit();
}

export function initializeLanguage() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      remember("language", button.dataset.language);
      setLanguage(button.dataset.language);
    });
  }
  setLanguage(recall("language") ?? (/^zh/i.test(navigator.language) ? "zh" : "en"));
}

// 83.4 -> "1:23"
export function clock(seconds) {
  const whole = Math.floor(Math.max(0, seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// The same with tenths if `whole` is short: 3.84 -> "0:03.8"
export function exactClock(seconds, whole = seconds) {
  if (whole >= 9.95) return clock(seconds);
  return `0:${decimal(Math.max(0, seconds)).padStart(4, "0")}`;
}

// A time in milliseconds in the language of the page and the format of the user's region, which differs between en-US and en-GB.
export function formatDate(milliseconds) {
  const region = navigator.languages.find((tag) => tag.split("-")[0].toLowerCase() === language);
  return new Date(milliseconds).toLocaleString(region ?? document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

export function decimal(value, digits = 1) {
  return value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
