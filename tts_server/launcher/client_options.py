"""What `say`, `voices` and `models` take on the command line. Standard library only."""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PROGRAM = "run.bat" if os.name == "nt" else "./run.sh"
"""How the program is started, as people type it."""

CLIENT_COMMANDS = ("say", "voices", "models")

SERVER_VARIABLE = "PARLANCE_SERVER"
KEY_VARIABLE = "PARLANCE_KEY"

FIELDS = ("voice", "model", "speed", "language", "text_normalization", "seed", "sample_rate", "instructions")
"""Options of `say` that go into the request under their own names, besides the controls."""

NUMBERS = {
    "cfg_weight": "0 to 1",
    "exaggeration": "0.25 to 2",
    "temperature": "0 to 2",
    "top_p": "0 to 1",
    "top_k": "0 to 10000, whole",
    "min_p": "0 to 1",
    "repetition_penalty": "1 to 2",
    "cfg_value": "0.5 to 5",
}
"""The models' controls that are numbers. A model that lacks one ignores it, and `say` names it."""

SWITCHES = ("norm_loudness", "cache")

NORMALIZATIONS = ("auto", "off")


def add_client_commands(commands: _SubParsersAction[Any]) -> None:
    """Describe the three commands to the parser of the command line."""
    saying = commands.add_parser("say", help="speak a text, through the speakers or into a file", epilog=_EXAMPLES, formatter_class=_Epilog)
    saying.add_argument("text", nargs="*", help="the text, or - to read it from standard input")
    saying.add_argument("-f", "--file", metavar="NAME", help="read the text from a file")
    saying.add_argument("--encoding", help="how that file or the standard input is encoded, if not UTF-8")
    saying.add_argument("-o", "--output", metavar="NAME", help="write a file instead of playing; - is the standard output")
    saying.add_argument(
        "--format",
        type=str.lower,
        help="format of the file, such as mp3 or wav (default: what its name ends in; wav for the standard output)",
    )
    saying.add_argument("--device", help="the speakers to play through: a number or a part of their name (default: the system's choice)")
    saying.add_argument("-q", "--quiet", action="store_true", help="no progress bar, and no words but errors and warnings")
    saying.add_argument(
        "--preview", action="store_true", help="speak nothing, but print how the text would be read (with -q the words alone)"
    )
    voicing = saying.add_argument_group("voice and delivery")
    voicing.add_argument("--voice", help="a voice's name ('voices' lists them)")
    voicing.add_argument("--reference", metavar="NAME", help="a clip whose speaker the voice should come near to")
    voicing.add_argument("--model", help="a model's name ('models' lists them)")
    voicing.add_argument("--speed", type=_speed, metavar="N", help="0.25 to 4 (default 1)")
    voicing.add_argument("--language", help="code of the text's language, such as de or zh-cn, for models of several")
    voicing.add_argument(
        "--text-normalization",
        type=_normalization,
        metavar="auto|off",
        help="auto: read numbers, dates and markup as words (the default); off: give the model the text as it is written",
    )
    voicing.add_argument("--seed", type=whole_number, metavar="N", help="the same seed gives the same audio")
    voicing.add_argument("--sample-rate", type=whole_number, metavar="HZ", help="8000 to 48000 (default: the server's, usually 24000)")
    voicing.add_argument("--instructions", help="how to speak, for models that take it")
    for name, values in NUMBERS.items():
        voicing.add_argument(_option(name), type=whole_number if name == "top_k" else number, metavar="N", help=f"model control: {values}")
    for name in SWITCHES:
        what = "model control" if name == "norm_loudness" else "whether finished audio may be cached and used again"
        voicing.add_argument(_option(name), action=argparse.BooleanOptionalAction, default=None, help=what)
    _add_server_options(saying)
    for name, what in (("voices", "list the voices"), ("models", "list the models")):
        listing = commands.add_parser(name, help=what)
        listing.add_argument("--json", action="store_true", help="everything the server says of them, as JSON")
        _add_server_options(listing)


def number(text: str) -> float:
    """A finite number; raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number.")
    return value


def whole_number(text: str) -> int:
    """A whole number; raises ArgumentTypeError."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number.") from None


def _speed(text: str) -> float:
    speed = number(text)
    if not 0.25 <= speed <= 4:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.25 and 4.")
    return speed


def _normalization(text: str) -> str:
    if text not in NORMALIZATIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor off.")
    return text


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    asking = parser.add_argument_group("server")
    asking.add_argument(
        "--server",
        metavar="URL",
        default=os.environ.get(SERVER_VARIABLE, ""),
        help="a server that runs, such as http://127.0.0.1:5093, or nas, which means http://nas:5093; "
        f"also {SERVER_VARIABLE} (default: none, the work is done here)",
    )
    asking.add_argument(
        "--key",
        default=os.environ.get(KEY_VARIABLE, ""),
        help=f"the key of that server; other users of this machine can see it here, so better in {KEY_VARIABLE}",
    )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


class _Epilog(argparse.RawDescriptionHelpFormatter):
    """Leaves the lines of the examples as they are."""


_EXAMPLES = f"""examples:
  {PROGRAM} say "Good morning."                           plays it
  {PROGRAM} say -f book.txt -o book.mp3 --voice onyx      reads a book into a file
  echo Done | {PROGRAM} say - --server nas                lets another machine do the work
  {PROGRAM} say "Hi." -o - --format wav | aplay           hands the audio to another program
  {PROGRAM} say --preview "Dr. Lee ran 10 km."            shows how it will be read
"""
