"""Written forms as words: numbers, dates, money, units, abbreviations and signs, by language."""
