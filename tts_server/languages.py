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

_CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)


def language_code(text: str) -> str | None:
    """The code in `text`, without its region; None where it is no language code."""
    match = _CODE.fullmatch(text.strip())
    code = match[1].lower() if match else None
    return code if code in ISO_639_1 or code in LONGER_CODES else None
