"""Messages about invalid settings: values out of range, and names in `.env` that look misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tts_server.spelling import did_you_mean, suggest

OWN_PREFIXES = ("PARLANCE_", "CHATTERBOX_", "RESONANCE_")

ENVIRONMENT_ONLY = ("CONFIG_FILE", "PARLANCE_KEY", "PARLANCE_SERVER", "PARLANCE_TORCH", "PARLANCE_VENV")
"""Variables of the command line and the launcher, which do not read `.env`."""

_MESSAGES = {
    "int_parsing": "{value} is not a whole number",
    "int_from_float": "{value} is not a whole number",
    "int_type": "{value} is not a whole number",
    "int_parsing_size": "{value} has too many digits",
    "float_parsing": "{value} is not a number",
    "float_type": "{value} is not a number",
    "finite_number": "{value} is not a finite number",
    "bool_parsing": "{value} is neither true nor false",
    "bool_type": "{value} is neither true nor false",
    "greater_than_equal": "{value} is too small; it must be at least {ge}",
    "greater_than": "{value} is too small; it must be more than {gt}",
    "less_than_equal": "{value} is too large; it must be at most {le}",
    "less_than": "{value} is too large; it must be less than {lt}",
    "literal_error": "{value} is not possible; it must be {expected}",
    "string_type": "{value} is not a text",
    "path_type": "{value} is not the path of a file or folder",
    "tuple_type": "{value} is not a list",
    "dict_type": "{value} is not a table of names",
}


def describe_value(error: Mapping[str, Any]) -> str:
    """Return a sentence, without its full stop, for one of pydantic's errors (`ValidationError.errors()`). It contains the value."""
    value = repr(error["input"])
    if message := _MESSAGES.get(error["type"]):
        return message.format(value=value, **error.get("ctx", {}))
    return f"{str(error['msg']).removeprefix('Value error, ')} (got {value})"


def unknown_names(names: Iterable[str], known: Iterable[str]) -> str:
    """Return a message about names that are not settings, with suggestions."""
    listed = sorted(known)
    return " ".join(f"There is no setting {name}.{did_you_mean(name, listed)}" for name in names)


def misspelt_names(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return a warning for each name in `.env` that is not a setting but resembles one or has one of OWN_PREFIXES.

    Other names are ignored, since other programs may read the same file.
    """
    listed = sorted(known)
    warnings = []
    for name in sorted({name.upper() for name in names} - set(listed)):
        if name in ENVIRONMENT_ONLY:
            warnings.append(f".env: {name} has no effect in this file. Set it in the environment.")
        elif suggest(name, listed) or name.startswith(OWN_PREFIXES):
            warnings.append(f".env: {unknown_names([name], listed)}")
    return warnings
