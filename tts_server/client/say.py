"""The command `say`: plays a text, writes it to a file, or prints its spoken form."""

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
from tts_server.client.models import model_warning
from tts_server.client.options import request_fields
from tts_server.client.preview import preview_lines, read_pieces
from tts_server.client.speakers import Speakers
from tts_server.client.speech_stream import SpeechStream, prefetch
from tts_server.client.texts import PIECE_CHARACTERS, STANDARD_INPUT, TextSource
from tts_server.speech import AudioFormat, Samples


def say(connect: Connect, options: argparse.Namespace) -> int:
    """Play a text, write it to a file, or print its spoken form; return the exit code."""
    if options.preview:
        return preview(connect, options)
    format_ = _format(options)
    text = TextSource(options.text, options.file, options.encoding).read()
    clip = Path(options.reference) if options.reference else None
    speakers = Speakers(options.device) if options.output is None else None
    with connect() as connection, _progress_bar(text, options.quiet) as bar:
        spoken = SpeechStream(
            connection,
            text,
            request_fields(options),
            clip.read_bytes() if clip else None,
            report=_ignore if options.quiet else _print_note,
            max_characters=getattr(options, "max_characters", PIECE_CHARACTERS),
        )
        chunks = _with_progress(spoken, bar)
        # A request that fails does so here, before the output is opened. The sample rate is known with the first chunk.
        audio = chain([next(chunks)], chunks)
        if warning := model_warning(connection, options.model, spoken.model):
            _print_note(warning)
        if speakers is not None:
            speakers.play(prefetch(audio), spoken.sample_rate)
        else:
            with contextlib.closing(chunks), _output(options.output) as file:
                _write(audio, spoken.sample_rate, format_, file)
    if not options.quiet:
        _report(spoken, options, format_)
    return 0


def preview(connect: Connect, options: argparse.Namespace) -> int:
    """Print the spoken form of a text; return the exit code."""
    if options.output is not None:
        raise UsageError("--preview produces no audio: leave out either --preview or --output.")
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
            raise UsageError(f"--format: there is no format {options.format!r}. Formats: {formats}.") from None
    ending = Path(options.output).suffix.lstrip(".").lower()
    try:
        return AudioFormat(ending or "mp3")
    except ValueError:
        endings = ", ".join("." + format_.value for format_ in AudioFormat)
        raise UsageError(f"{Path(options.output).name}: the name must end in one of {endings}, or use --format.") from None


@contextlib.contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    """A context with the file to write. It gets its name when it is complete, and is removed otherwise."""
    if name == STANDARD_INPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name).resolve()
    if not path.parent.is_dir():
        raise UsageError(f"{path.name} cannot be written: there is no folder {path.parent}.")
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
    # Imported here, since playback needs no encoder.
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
    """Return a bar with the progress and the remaining time. It is shown on a terminal only."""
    return tqdm(
        total=len(text),
        desc=_duration(0),
        disable=True if is_quiet else None,
        bar_format="{desc} |{bar}| {percentage:3.0f}%, {remaining} left",
        leave=False,
        dynamic_ncols=True,
    )


def _with_progress(spoken: SpeechStream, bar: tqdm[Any]) -> Generator[Samples, None, None]:
    for samples in spoken.chunks():
        bar.set_description_str(_duration(spoken.seconds), refresh=False)
        bar.update(spoken.characters - bar.n)
        yield samples


def _report(spoken: SpeechStream, options: argparse.Namespace, format_: AudioFormat) -> None:
    how = f" ({spoken.cloning} to {Path(options.reference).name})" if options.reference and spoken.cloning else ""
    made = f"{spoken.seconds:.1f} s by {spoken.model or 'an unnamed model'}, voice {spoken.voice or 'of the clip'}{how}"
    if options.output in (None, STANDARD_INPUT):
        print(made, file=sys.stderr)
    else:
        print(f"{options.output}: {format_.value}, {made}")
    if spoken.ignored:
        print(f"{spoken.model} ignored: {spoken.ignored}", file=sys.stderr)


def _print_note(sentence: str) -> None:
    tqdm.write(sentence, file=sys.stderr)


def _ignore(_sentence: str) -> None:
    """Print nothing, for --quiet."""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} of speech"


def _use_utf8(output: object) -> None:
    """Encode the output as UTF-8. The default for pipes and files on Windows is the code page of the system, which lacks most letters."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(encoding="utf-8", errors="replace")
