"""Language codes as clients write them: `en`, `zh-cn`, `pt_BR`."""

from __future__ import annotations

import re

ISO_639_1 = frozenset(
    """aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff
    fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko
    kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os
    pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt
    tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu""".split()
)
"""The two-letter codes of ISO 639-1."""

LONGER_CODES = frozenset({"ceb", "cmn", "fil", "haw", "hmn", "yue"})
"""Languages that clients offer and ISO 639-1 has no code for."""

VOICE_LANGUAGES = frozenset("ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split())
"""Languages whose codes a request may give in place of a voice, as clients of multilingual models do."""

REGIONS = frozenset(
    """ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca cc cd cf cg ch ci
    ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr
    gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu
    lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl
    pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to
    tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw uk""".split()
)
"""The two-letter codes of ISO 3166-1, and `xk` and `uk`, which are written too."""

SCRIPTS = frozenset({"hans", "hant", "latn", "cyrl", "arab", "hebr", "deva", "grek", "jpan", "kore", "hang"})
"""Codes of ISO 15924 that stand between the language and the region."""

VARIANTS = frozenset("chs cht hakka hepburn latam oxendict pinyin posix scouse valencia wadegile".split())
"""What else stands behind a language, in standards or as clients write it."""

MAX_CHARACTERS = 35
"""Of a code with all its parts, as RFC 5646 advises."""

_NUMBERED = re.compile(r"[0-9]{3}|[0-9][a-z0-9]{3}")
"""Regions of UN M.49, such as the 419 of es-419, and spellings by their year, such as the 1996 of de-1996."""


def language_code(text: str) -> str | None:
    """The code in `text`, without its script and region; None where it is no language code.

    What follows the language must be known, so that `de_thorsten` is not taken for German.
    """
    language, *rest = re.split("[-_]", text.strip().lower()[: MAX_CHARACTERS + 1])
    if len(text.strip()) > MAX_CHARACTERS or language not in ISO_639_1 | LONGER_CODES:
        return None
    known = REGIONS | SCRIPTS | LONGER_CODES | VARIANTS
    return language if all(part in known or _NUMBERED.fullmatch(part) for part in rest) else None


def voice_language(name: str) -> str | None:
    """The language that a voice's name stands for; None where the name is not one of VOICE_LANGUAGES, with or without a region.

    Stricter than `language_code`: `de`, `pt-BR`, `zh_Hans_CN` and `es-419` are languages, `de_thorsten` is the name of a voice.
    """
    language, *rest = re.split("[-_]", name.strip().lower())
    if language not in VOICE_LANGUAGES or len(rest) > 2:
        return None
    if rest and rest[0] in SCRIPTS:
        rest = rest[1:]
    is_region = not rest or (len(rest) == 1 and (rest[0] in REGIONS or re.fullmatch(r"[0-9]{3}", rest[0]) is not None))
    return language if is_region else None
