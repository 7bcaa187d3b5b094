"""Which language a text is in, as far as its writing system says."""

from __future__ import annotations

from tts_server.text.scripts import scripts_in

_LANGUAGE_OF_SCRIPT = {
    "Hangul": "ko",
    "Cyrillic": "ru",
    "Greek": "el",
    "Hebrew": "he",
    "Arabic": "ar",
    "Devanagari": "hi",
}
_LETTERS_OF_A_CHARACTER = {"Han": 2.0, "Hangul": 2.0, "Hiragana": 1.5, "Katakana": 1.5}
"""How many letters of an alphabet carry as much text."""

_KANA_IN_JAPANESE = 0.1
"""Japanese has at least this share of kana among its characters; Chinese may borrow one."""


def detect_language(text: str, default: str = "en") -> str:
    """The two-letter code of the language that the text's script stands for; `default` for Latin, for other scripts and for none.

    Words in Latin letters occur in all languages: another script wins from a third of the text on.
    """
    shares = scripts_in(text)
    weights = {script: share * _LETTERS_OF_A_CHARACTER.get(script, 1.0) for script, share in shares.items()}
    japanese_or_chinese = sum(weights.pop(script, 0.0) for script in ("Han", "Hiragana", "Katakana"))
    kana = shares.get("Hiragana", 0.0) + shares.get("Katakana", 0.0)
    is_japanese = kana >= _KANA_IN_JAPANESE * (kana + shares.get("Han", 0.0))
    weights["ja" if is_japanese else "zh"] = japanese_or_chinese
    latin = weights.pop("Latin", 0.0)
    if not any(weights.values()) or max(weights.values()) < latin / 2:
        return default
    script = max(weights, key=weights.__getitem__)
    return script if script in ("ja", "zh") else _LANGUAGE_OF_SCRIPT.get(script, default)
