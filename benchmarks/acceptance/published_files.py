"""Size and sha256 of the files at the pinned commits, as projects that pin the same commits have recorded them.

Files for which fewer than two of them agree are left out.
"""

from __future__ import annotations

from tts_server.engines.chatterbox.families import ENGLISH, NANO, TURBO, Family
from tts_server.engines.chatterbox.weights.repository_cache import Checksum

_BYTE_TOKENIZER = {
    "added_tokens.json": Checksum(418, "72e4ab6acb0d9309ac3df4b526ae5fd80a2da5bc5ab7bb02d85096a374f69193"),
    "merges.txt": Checksum(456_318, "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"),
    "special_tokens_map.json": Checksum(470, "92ba8063bf40aa163eadebbfe0de07c2aebe44cf0d4a9e8726580b0781fd2640"),
    "tokenizer_config.json": Checksum(3_878, "bca16a2ac1ddbd78b8d6228f0031884cc74b6ea54b967d6f6d2ebae9ccde23e6"),
    "vocab.json": Checksum(999_186, "f6bd25a65e4e63ca31360e9fb11c7e4f9a391a78385d640acd814092dd6eee4f"),
}
_VOICE_ENCODER = {"ve.safetensors": Checksum(5_695_784, "f0921cab452fa278bc25cd23ffd59d36f816d7dc5181dd1bef9751a7fb61f63c")}
_DISTILLED = {
    **_BYTE_TOKENIZER,
    **_VOICE_ENCODER,
    "s3gen_meanflow.safetensors": Checksum(1_064_875_036, "d65cb687a2ed581ee6cc297e919ffefa63386944f42364ae13b78a594945514f"),
    "conds.pt": Checksum(169_454, "b1852099306fd6a7814eb9d0bd10186caba7249596cc23868f78a0eefbfa5033"),
}

PUBLISHED: dict[tuple[str, str | None], dict[str, Checksum]] = {
    (ENGLISH.repository, ENGLISH.revision): {
        **_VOICE_ENCODER,
        "ve.pt": Checksum(5_698_626, "4b16d836bc598509860f6fa068165a8bb5e9ac84f05582dfcf278a5a372879f1"),
        "t3_cfg.safetensors": Checksum(2_129_653_744, "914cb1696f47527fe8852ca8f1fe1fa63cb34f76f9c715e84e067b744dd0da81"),
        "t3_mtl23ls_v2.safetensors": Checksum(2_143_989_752, "b1237586127ce98e7800a68e49938eb5092846862aabcb6e17b2fda7889a6c75"),
        "t3_mtl23ls_v3.safetensors": Checksum(2_143_989_928, "5abca8321ede76f8e61f1cc0d19aea6c946b28871017ce8726f8a69203f05953"),
        "s3gen.safetensors": Checksum(1_056_484_620, "2b78103c654207393955e4900aac14a12de8ef25f4b09424f1ef91941f161d4e"),
        "s3gen.pt": Checksum(1_057_165_844, "9b9ff07e60b20c136e2b1b3d7563a24604e8d2c4c267888d1ee929dd0151d2a3"),
        "conds.pt": Checksum(107_374, "6552d70568833628ba019c6b03459e77fe71ca197d5c560cef9411bee9d87f4e"),
        "tokenizer.json": Checksum(25_470, "d71e3a44eabb1784df9a68e9f95b251ecbf1a7af6a9f50835856b2ca9d8c14a5"),
        "grapheme_mtl_merged_expanded_v1.json": Checksum(69_989, "69632f47220a788a52ce2661d096453c5655e9bf25289d89a8d832c46ee07dbf"),
        "Cangjie5_TC.json": Checksum(1_920_163, "7073fd9de919443ae88e0bd2449917a65fe54898a4413ed1edcc4b67f28bce8c"),
    },
    (TURBO.repository, TURBO.revision): {
        **_DISTILLED,
        "t3_turbo_v1.safetensors": Checksum(1_915_480_052, "fcf1f8c1d651bb7e3acd69ee5be269b4ac10c02980b7708213d598bc9f7cdf87"),
    },
    (NANO.repository, NANO.revision): {
        **_DISTILLED,
        "t3_nano_v1.safetensors": Checksum(869_899_204, "72b110185087d945dbdf54dee4e333848e1811bdd5fd6cb16ceb8da50006f0c9"),
    },
}
"""By repository and commit."""


def published_checksum(family: Family, commit: str | None, name: str) -> Checksum | None:
    """What a file of a model has at a commit of its repository, where that is known."""
    if name in family.shared.names:
        return PUBLISHED.get((family.shared.repository, family.shared.revision), {}).get(name)
    return PUBLISHED.get((family.repository, commit), {}).get(name)
