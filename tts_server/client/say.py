"""`say`: a text through the speakers, into a file, or as it would be read."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from tts_server.client.connection import Connect
from tts_server.client.errors import UsageError
from tts_server.client.models import other_model_warning
from tts_server.client.options import request_fields
from tts_server.client.preview import preview_lines, read_pieces
from tts_server.client.speakers import Speakers
from tts_server.client.spoken import Spoken, ahead
from tts_server.client.texts import PIECE_CHARACTERS, STANDARD_INPUT, TextSource
from tts_server.speech import AudioFormat, Samples


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
        if warning := other_model_warning(connection, options.model, spoken.model):
            _tell(warning)
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


def _format(options: argparse.Namespace) -> AudioFormat:
    if options.format or options.output in (None, STANDARD_INPUT):
        try:
            return AudioFormat(options.format or "wav")
        except ValueError:
            formats = ", ".join(format_.value for format_ in AudioFormat)
            raise UsageError(f"--format: there is no format {options.format!r}. There are {formats}.") from None
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
    # Imported here, since what is only played needs no encoder.
    from tts_server.audio.encoders import create_encoder, supported_rate
    from tts_server.audio.resample import Resampler

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
    """On a terminal, and nowhere else: how much of the text is spoken, and the time that the rest will take."""
    return tqdm(
        total=len(text),
        desc=_made(0),
        disable=True if is_quiet else None,
        bar_format="{desc} |{bar}| {percentage:3.0f}%, {remaining} left",
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
        print(f"{spoken.model} ignored: {spoken.ignored}", file=sys.stderr)


def _tell(sentence: str) -> None:
    tqdm.write(sentence, file=sys.stderr)


def _quiet(_sentence: str) -> None:
    """For --quiet."""


def _made(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} of speech"


def _use_utf8(output: object) -> None:
    """On Windows a pipe or file would have the code page of the system, which lacks most letters."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(encoding="utf-8", errors="replace")
