"""`say`, `voices` and `models`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from tts_server.audio.encoders import create_encoder, supported_rate
from tts_server.audio.resample import Resampler
from tts_server.build import build_app, build_synthesizer
from tts_server.client.connection import Connection, InnerConnection, NetworkConnection
from tts_server.client.options import request_fields
from tts_server.client.preview import preview_lines, read_pieces
from tts_server.client.speakers import NoSpeakers, Speakers
from tts_server.client.spoken import Spoken, ahead
from tts_server.client.texts import PIECE_CHARACTERS, STANDARD_INPUT, TextSource, UsageError
from tts_server.config import Settings
from tts_server.keys import KeyRing
from tts_server.speech import AudioFormat, Samples

Connect = Callable[[], contextlib.AbstractContextManager[Connection]]
"""Makes the connection once it is needed: a model may have to be loaded for it."""

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_STOPPED = 130


def run(options: argparse.Namespace, settings: Settings | None) -> int:
    """Run one of the commands; returns the exit code. Without `settings` the server of the options is asked, else this process speaks."""
    command: Callable[[Connect, argparse.Namespace], int] = {"say": say, "voices": voices, "models": models}[options.command]
    try:
        return command(partial(_connection, options, settings), options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except NoSpeakers as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_STOPPED


@contextlib.contextmanager
def _connection(options: argparse.Namespace, settings: Settings | None) -> Iterator[Connection]:
    if settings is None:
        yield NetworkConnection(options.server, options.key)
        return
    # The cache is for a server; one that runs beside this could not use it meanwhile.
    synthesizer = build_synthesizer(settings.model_copy(update={"cache_ttl_minutes": 0.0}))
    try:
        if options.command == "say":
            catalog = synthesizer.catalog
            if not options.preview:
                if not options.quiet and catalog.named(options.model) in catalog.models:
                    _tell("The model is being made ready. The first time, its files are downloaded.")
                # Here is time to wait for a model, and no reason to be answered by another meanwhile.
                options.model = catalog.ready(options.model)
            options.sample_rate = options.sample_rate or settings.sample_rate
            options.max_characters = min(PIECE_CHARACTERS, settings.max_text_length)
        with _silenced(logging.getLogger("tts_server.web"), settings.log_level):
            yield InnerConnection(build_app(settings, synthesizer, KeyRing()), "")
    finally:
        synthesizer.close()


@contextlib.contextmanager
def _silenced(logger: logging.Logger, level: str) -> Iterator[None]:
    """Let a logger say nothing meanwhile, unless all is to be logged: what goes wrong is told by the command itself."""
    before = logger.level
    logger.setLevel(before if level == "DEBUG" else logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def say(connect: Connect, options: argparse.Namespace) -> int:
    """Speak a text through the speakers or into a file, or only print how it would be read."""
    if options.preview:
        return preview(connect, options)
    format_ = _format(options)
    text = TextSource(options.text, options.file, options.encoding).read()
    clip = Path(options.reference) if options.reference else None
    speakers = Speakers(options.device) if options.output is None else None
    with connect() as connection, _progress_bar(text, options.quiet) as bar:
        spoken = Spoken(
            connection,
            text,
            request_fields(options),
            clip.read_bytes() if clip else None,
            tell=_quiet if options.quiet else _tell,
            max_characters=getattr(options, "max_characters", PIECE_CHARACTERS),
        )
        chunks = _followed(spoken, bar)
        # A request that cannot be fulfilled fails here, before anything is opened; and the rate is known only now.
        audio = chain([next(chunks)], chunks)
        if speakers is not None:
            speakers.play(ahead(audio), spoken.sample_rate)
        else:
            with contextlib.closing(chunks), _output(options.output) as file:
                _write(audio, spoken.sample_rate, format_, file)
    if not options.quiet:
        _report(spoken, options, format_)
    return 0


def preview(connect: Connect, options: argparse.Namespace) -> int:
    """Print how a text will be read."""
    if options.output is not None:
        raise UsageError("--preview speaks nothing, so there is nothing to write: leave out either --preview or --output.")
    text = TextSource(options.text, options.file, options.encoding).read()
    with connect() as connection:
        max_characters = getattr(options, "max_characters", PIECE_CHARACTERS)
        _use_utf8(sys.stdout)
        for line in preview_lines(read_pieces(connection, text, request_fields(options), max_characters), only_words=options.quiet):
            print(line, flush=True)
    return 0


def voices(connect: Connect, options: argparse.Namespace) -> int:
    """List the voices."""
    with connect() as connection:
        listed = connection.get("/v1/voices")
    if options.json:
        print(json.dumps(listed, indent=2))
        return 0
    default = listed.get("default")
    rows = [
        [
            f"{voice['id']} *" if voice["id"] == default else voice["id"],
            voice.get("language") or "",
            voice.get("origin") or "",
            voice.get("description") or "",
        ]
        for voice in listed.get("data", [])
    ]
    _print_table(["voice", "language", "from", "description"], rows)
    print("* speaks where no voice is named")
    return 0


def models(connect: Connect, options: argparse.Namespace) -> int:
    """List the models, and the other names that they answer to."""
    with connect() as connection:
        listed = connection.get("/v1/models")
    if options.json:
        print(json.dumps(listed, indent=2))
        return 0
    found = [model for model in listed.get("data", []) if not model.get("alias_of")]
    names = {model["id"]: [other["id"] for other in listed["data"] if other.get("alias_of") == model["id"]] for model in found}
    rows = [
        [
            f"{model['id']} *" if model.get("default") else model["id"],
            str(model.get("state", "")).replace("_", " "),
            _shortened(model.get("languages") or []),
            ", ".join(names[model["id"]]),
        ]
        for model in found
    ]
    _print_table(["model", "state", "languages", "also called"], rows)
    print("* answers where no model is named")
    for hint in dict.fromkeys(model["install_hint"] for model in found if model.get("install_hint")):
        print(f"Those that are not installed come with: {hint}")
    return 0


def _format(options: argparse.Namespace) -> AudioFormat:
    if options.format or options.output in (None, STANDARD_INPUT):
        return AudioFormat(options.format or "wav")
    ending = Path(options.output).suffix.lstrip(".").lower()
    try:
        return AudioFormat(ending or "mp3")
    except ValueError:
        endings = ", ".join("." + format_.value for format_ in AudioFormat)
        raise UsageError(f"{Path(options.output).name}: the name must end in one of {endings}, or --format must name one.") from None


@contextlib.contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    """The file to write; it takes its name when it is complete, and nothing stays of one that is not."""
    if name == STANDARD_INPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name).resolve()
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} in.")
    if path.exists() and not path.is_file():  # a device or a pipe
        with path.open("wb") as file:
            yield file
        return
    unfinished = path.with_name(f".{path.stem[:32]}-{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write(audio: Iterator[Samples], sample_rate: int, format_: AudioFormat, file: IO[bytes]) -> None:
    rate = supported_rate(format_, sample_rate)
    resampler = Resampler(sample_rate, rate)
    encoder = create_encoder(format_, rate, streamed=file is sys.stdout.buffer)
    try:
        for samples in audio:
            file.write(encoder.encode(resampler.process(samples)))
            if file is sys.stdout.buffer:
                file.flush()
        file.write(encoder.encode(resampler.flush()))
        file.write(encoder.flush())
    finally:
        encoder.close()


def _progress_bar(text: str, is_quiet: bool) -> tqdm[Any]:
    """On a terminal, and nowhere else: how much of the text is spoken."""
    return tqdm(
        total=len(text),
        desc=_made(0),
        disable=True if is_quiet else None,
        bar_format="{desc} |{bar}| {percentage:3.0f}%",
        leave=False,
        dynamic_ncols=True,
    )


def _followed(spoken: Spoken, bar: tqdm[Any]) -> Generator[Samples, None, None]:
    for samples in spoken.chunks():
        bar.set_description_str(_made(spoken.seconds), refresh=False)
        bar.update(spoken.characters - bar.n)
        yield samples


def _report(spoken: Spoken, options: argparse.Namespace, format_: AudioFormat) -> None:
    how = f" ({spoken.cloning} to {Path(options.reference).name})" if options.reference and spoken.cloning else ""
    made = f"{spoken.seconds:.1f} s by {spoken.model or 'an unnamed model'}, voice {spoken.voice or 'of the clip'}{how}"
    if options.output in (None, STANDARD_INPUT):
        print(made, file=sys.stderr)
    else:
        print(f"{options.output}: {format_.value}, {made}")
    if spoken.ignored:
        print(f"{spoken.model} has no use for: {spoken.ignored}", file=sys.stderr)


def _tell(sentence: str) -> None:
    tqdm.write(sentence, file=sys.stderr)


def _quiet(_sentence: str) -> None:
    """For --quiet."""


def _made(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} of speech"


def _shortened(languages: Sequence[str], number: int = 4) -> str:
    more = f" and {len(languages) - number} more" if len(languages) > number else ""
    return ", ".join(languages[:number]) + more


def _use_utf8(output: object) -> None:
    """On Windows a pipe or file would have the code page of the system, which lacks most letters."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(encoding="utf-8", errors="replace")


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; the last is left as long as it is."""
    table = [list(titles), *map(list, rows)]
    widths = [max(_width(row[column]) for row in table) for column in range(len(titles))]
    for row in table:
        cells: list[Any] = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """Columns of a terminal: letters of East Asia take two, marks above others none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
