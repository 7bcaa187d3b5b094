// A rule of a pronunciation dictionary, and how a person writes it: a word, and what is said instead.

// "/wɪn/" is a pronunciation in IPA, everything else a text that is read instead of the word. A word in small letters is meant wherever it
// stands, also at the beginning of a sentence; one with capitals, such as "US", only as it is written.
export function makeRule(word, how) {
  const common = { string_to_replace: word, case_sensitive: word !== word.toLowerCase(), word_boundaries: true };
  const ipa = /^\/(.+)\/$/.exec(how)?.[1].trim();
  return ipa ? { type: "phoneme", ...common, phoneme: ipa, alphabet: "ipa" } : { type: "alias", ...common, alias: how };
}

export function howOf(rule) {
  return rule.type === "phoneme" ? `/${rule.phoneme}/` : rule.alias;
}

// A text that is read as the rule says, without the rule.
export function spokenText(rule) {
  return rule.type === "phoneme" ? `[${rule.string_to_replace.replace(/[[\]()]/g, " ").trim()}](/${rule.phoneme}/)` : rule.alias;
}
