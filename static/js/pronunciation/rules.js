// Rules of a pronunciation dictionary in the form that users write: a word, and its pronunciation.

// "/wɪn/" is a pronunciation in IPA; anything else is a text to read instead of the word. A lowercase word matches in any case, also at the
// start of a sentence; a word with capitals, such as "US", matches only as written.
export function makeRule(word, how) {
  const common = { string_to_replace: word, case_sensitive: word !== word.toLowerCase(), word_boundaries: true };
  const ipa = /^\/(.+)\/$/.exec(how)?.[1].trim();
  return ipa ? { type: "phoneme", ...common, phoneme: ipa, alphabet: "ipa" } : { type: "alias", ...common, alias: how };
}

export function howOf(rule) {
  return rule.type === "phoneme" ? `/${rule.phoneme}/` : rule.alias;
}

// A text with the same pronunciation, without the rule.
export function spokenText(rule) {
  return rule.type === "phoneme" ? `[${rule.string_to_replace.replace(/[[\]()]/g, " ").trim()}](/${rule.phoneme}/)` : rule.alias;
}
