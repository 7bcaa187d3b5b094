// A text as it will be read, with a mark for each change.

import { element } from "../element.js";
import { has, t } from "../language.js";

const LONGEST_GONE = 24; // characters shown of what is not spoken
const LONGEST_TOLD = 120; // characters of either side in the words about a change

const shortened = (text, length) => {
  const letters = [...text.trim().replace(/\s+/g, " ")];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : letters.join("");
};

// "[Nguyen](/wɪn/)" -> "Nguyen /wɪn/"
const readable = (text) => text.replace(/\[([^\]]{0,300})\]\((\/[^)]{0,300}\/)\)/g, "$1 $2");

export function ruleWords(rule) {
  return has(`rule.${rule}`) ? t(`rule.${rule}`) : rule;
}

// "Money: $5 → five dollars"
export function changeWords(change) {
  const to = shortened(readable(change.to), LONGEST_TOLD) || t("reading.silent");
  return t("reading.change", { rule: ruleWords(change.rule), from: shortened(change.from, LONGEST_TOLD), to });
}

function mark(change, words) {
  const isSilent = words === "";
  return element(
    isSilent ? "del" : "mark",
    { class: "change", role: "button", tabindex: -1, title: changeWords(change) },
    isSilent ? shortened(change.from, LONGEST_GONE) : words,
  );
}

// The nodes of `input` with its changes made; `onMark(node, change)` is called for each mark. Offsets count code points.
export function markedNodes(input, changes, onMark) {
  const letters = [...input];
  const nodes = [];
  let end = 0;
  for (const change of changes) {
    nodes.push(letters.slice(end, change.start).join(""));
    const to = readable(change.to);
    const words = to.trim();
    const before = to.slice(0, to.length - to.trimStart().length);
    const after = to.slice(before.length + words.length);
    if (words || change.from.trim()) {
      const node = mark(change, words);
      onMark(node, change);
      nodes.push(before, node, after);
    } else {
      nodes.push(before, after);
    }
    end = change.end;
  }
  nodes.push(letters.slice(end).join(""));
  return nodes.filter((node) => node !== "");
}
