// Renders the spoken form of a text with a mark for each change.

import { element } from "../element.js";
import { has, t } from "../language.js";

const LONGEST_SILENT = 24; // characters shown of text that is not spoken
const LONGEST_DESCRIBED = 120; // characters of either side in the description of a change

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
  const from = shortened(change.from, LONGEST_DESCRIBED);
  const to = shortened(readable(change.to), LONGEST_DESCRIBED);
  const words = { rule: ruleWords(change.rule), from, to: to || t("reading.silent") };
  return from ? t("reading.change", words) : t("reading.added", words);
}

function spacesAround(text) {
  return [text.slice(0, text.length - text.trimStart().length), text.slice(text.trimEnd().length)];
}

function mark(change, words) {
  const isSilent = words === "";
  return element(
    isSilent ? "del" : "mark",
    { class: "change", role: "button", tabindex: -1, title: changeWords(change) },
    isSilent ? shortened(change.from, LONGEST_SILENT) : words,
  );
}

// Returns the nodes of `input` with the changes applied; `onMark(node, change)` is called for each mark. Offsets count code points.
export function markedNodes(input, changes, onMark) {
  const letters = [...input];
  const nodes = [];
  let end = 0;
  for (const change of changes) {
    nodes.push(letters.slice(end, change.start).join(""));
    const words = readable(change.to).trim();
    if (words || change.from.trim()) {
      const node = mark(change, words);
      const [before, after] = spacesAround(words ? readable(change.to) : change.from);
      onMark(node, change);
      nodes.push(before, node, after);
    } else {
      nodes.push(change.to);
    }
    end = change.end;
  }
  nodes.push(letters.slice(end).join(""));
  return nodes.filter((node) => node !== "");
}
