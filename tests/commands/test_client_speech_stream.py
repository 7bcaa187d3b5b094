"""What `say` is made of: long texts in pieces, samples in order, progress, the speakers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from tts_server.audio.pcm import to_s16
from tts_server.client.connection import Connection, NetworkConnection
from tts_server.client.errors import NoSpeakers
from tts_server.client.speakers import Speakers
from tts_server.client.speech_stream import FULL_SCALE, SpeechStream, prefetch
from tts_server.client.texts import PIECE_CHARACTERS, pieces
from tts_server.commands import main
from tts_server.errors import NothingToSay
from tts_server.launcher.command_line import build_parser
from tts_server.settings import settings_class

PROJECT = Path(__file__).resolve().parents[2]
STORY = "\n\n".join(
    " ".join(f"This is sentence {n} of paragraph {paragraph}, and it goes on for a while." for n in range(4)) for paragraph in range(3)
)


class Counted(NetworkConnection):
    """Remembers the texts that were asked for."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.texts: list[str] = []

    def open(self, method, path, fields=None, files=None):
        self.texts.append(fields["input"])
        return super().open(method, path, fields, files)


def speak(connection: Connection, text: str, **options) -> tuple[SpeechStream, np.ndarray]:
    spoken = SpeechStream(connection, text, {"seed": 1, **options.pop("fields", {})}, **options)
    return spoken, np.concatenate(list(spoken.chunks()))


def test_a_text_that_a_server_takes_at_once_is_sent_as_it_is():
    text = "  One.\n\n\nTwo [pause:1s] three.  "
    assert [(piece.text, piece.pause_after) for piece in pieces(text)] == [(text, 0.0)]


@pytest.mark.parametrize(
    "text", [STORY * 20, "word " * 4000, "字" * 9000, "a" * 9000], ids=["story", "no sentences", "Chinese", "one word"]
)
def test_pieces_hold_the_whole_text_and_none_is_too_long(text):
    cut = list(pieces(text))
    assert len(cut) > 1
    assert max(len(piece.text) for piece in cut) <= PIECE_CHARACTERS
    assert "".join("".join(piece.text.split()) for piece in cut) == "".join(text.split())


def test_the_pieces_fit_what_servers_take():
    assert settings_class().model_fields["max_text_length"].default >= PIECE_CHARACTERS


def test_a_long_text_is_spoken_in_pieces_with_their_pauses(server):
    connection = Counted(server.url)
    whole, _ = speak(connection, STORY)
    assert connection.texts == [STORY]
    cut, samples = speak(connection, STORY, max_characters=150)
    assert len(connection.texts) > 5
    assert max(map(len, connection.texts[1:])) <= 150
    assert cut.seconds == pytest.approx(len(samples) / 24000)
    assert cut.seconds == pytest.approx(whole.seconds, rel=0.15)


def test_a_pause_between_pieces_is_as_long_as_asked_for(server):
    text = "One.\n\n[pause:2s]\n\n***\n\nTwo."
    _, samples = speak(Counted(server.url), text, max_characters=10, fields={"speed": 2.0})
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    longest = np.diff(loud).max() / 24000
    assert 1.0 <= longest < 2.0


def test_ssml_is_never_cut():
    text = "<speak>" + "<s>One more sentence.</s>" * 20 + "</speak>"
    assert [piece.text for piece in pieces(text, 100)] == [text]


def test_a_long_text_keeps_its_lines():
    text = "\n".join(f"- item number {number} of the list" for number in range(12))
    cut = list(pieces(text, 150))
    assert len(cut) > 2
    assert "\n".join(piece.text for piece in cut) == text


def test_a_long_text_of_signs_alone_leaves_nothing_to_say(server):
    connection = Counted(server.url)
    with pytest.raises(NothingToSay):
        speak(connection, "*** " * 20, max_characters=10)
    assert connection.texts == []


def test_progress_only_grows_and_ends_with_the_text(server):
    spoken = SpeechStream(NetworkConnection(server.url), STORY, {}, max_characters=150)
    seen = [spoken.characters for _ in spoken.chunks()]
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert seen[-1] < len(STORY) == spoken.characters


def test_samples_come_back_as_they_were():
    values = np.arange(-32767, 32768, dtype=np.int16)
    assert to_s16(values.astype(np.float32) / FULL_SCALE) == values.tobytes()


def test_reading_ahead_keeps_order_and_ends_with_the_error():
    def chunks():
        for n in range(1000):
            yield np.full(1, n, np.float32)
        raise NothingToSay("The end.")

    seen = []
    with pytest.raises(NothingToSay, match="The end"):
        for chunk in prefetch(chunks(), count=10):
            seen.append(int(chunk[0]))
    assert seen == list(range(1000))


class FakeSound(types.ModuleType):
    """Stands for the `sounddevice` module and a machine with one pair of speakers, which know only `rates`."""

    class PortAudioError(Exception):
        pass

    def __init__(self, rates=(24000, 48000), *, has_speakers: bool = True) -> None:
        super().__init__("sounddevice")
        self.rates = rates
        self.has_speakers = has_speakers
        self.played: list[np.ndarray] = []
        self.opened: dict = {}
        self.is_finished = False

    def query_devices(self, device=None, kind=None):
        found = {"name": "Desk speakers", "default_samplerate": 48000.0, "max_output_channels": 2 if self.has_speakers else 0}
        if kind is None:
            return [found]
        if not self.has_speakers or (isinstance(device, str) and device not in found["name"]):
            raise ValueError("No such device")
        return found

    def check_output_settings(self, *, samplerate, **_):
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate")

    def OutputStream(self, **options):  # noqa: N802 - the name that sounddevice gives it
        self.opened = options
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_finished = True

    def write(self, samples):
        assert samples.shape[1] == 1
        self.played.append(samples[:, 0])


@pytest.fixture
def sound(monkeypatch):
    """Put a machine's sound in place of this one's."""

    def put(machine):
        monkeypatch.setitem(sys.modules, "sounddevice", machine)
        return machine

    return put


def test_without_a_file_the_speakers_play_every_sample(server, sound, tmp_path, capsys):
    machine = sound(FakeSound())
    text = "This is heard at once."
    assert main(["say", text, "--seed", "3", "--server", server.url]) == 0
    assert main(["say", text, "--seed", "3", "--server", server.url, "-o", str(tmp_path / "same.pcm")]) == 0
    assert to_s16(np.concatenate(machine.played)) == (tmp_path / "same.pcm").read_bytes()
    assert machine.opened["samplerate"] == 24000
    assert machine.is_finished
    assert max(map(len, machine.played)) <= 4800
    assert "by embedded, voice alloy" in capsys.readouterr().err


def test_speakers_that_do_not_know_the_rate_get_their_own(sound):
    machine = sound(FakeSound(rates=(48000,)))
    Speakers().play(iter([np.zeros(24000, np.float32)] * 2), 24000)
    assert machine.opened["samplerate"] == 48000
    assert sum(map(len, machine.played)) == pytest.approx(96000, abs=1)


def test_speakers_are_chosen_by_number_or_name(sound):
    machine = sound(FakeSound())
    for given, meant in (("3", 3), ("Desk", "Desk")):
        Speakers(given).play(iter([np.zeros(10, np.float32)]), 24000)
        assert machine.opened["device"] == meant
    with pytest.raises(NoSpeakers, match=r"There are no speakers 'Kitchen'. Available: Desk speakers"):
        Speakers("Kitchen")


def test_speakers_that_fail_are_told_in_words(sound, monkeypatch):
    machine = sound(FakeSound())
    monkeypatch.setattr(machine, "write", lambda _: (_ for _ in ()).throw(FakeSound.PortAudioError("Unplugged")))
    with pytest.raises(NoSpeakers, match="cannot be used: Unplugged"):
        Speakers().play(iter([np.zeros(10, np.float32)]), 24000)


def test_a_machine_without_speakers_is_told_what_to_do(server, sound, capsys):
    sound(FakeSound(has_speakers=False))
    assert main(["say", "Yes.", "--server", server.url]) == 1
    assert "no speakers that a program can use. Write a file instead: -o speech.mp3" in capsys.readouterr().err


def has_portaudio() -> bool:
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError):
        return False
    return sys.platform == "linux"


@pytest.mark.skipif(not has_portaudio(), reason="needs Linux and libportaudio2")
def test_real_speakers_hear_what_a_file_would_hold(server, tmp_path):
    """ALSA writes what it is given into a file instead of a sound card."""
    config = tmp_path / "alsa.conf"
    config.write_text(f'pcm.!default {{ type file slave.pcm "null" file "{tmp_path}/heard.raw" format "raw" }}\npcm.null {{ type null }}\n')
    command = [sys.executable, "-m", "tts_server", "say", "This is heard.", "--seed", "3", "--server", server.url]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "ALSA_CONFIG_PATH": str(config)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    assert main([*command[3:], "-o", str(tmp_path / "same.pcm")]) == 0
    heard = np.trim_zeros(np.fromfile(tmp_path / "heard.raw", "<f4"))
    expected = np.trim_zeros(np.fromfile(tmp_path / "same.pcm", "<i2"))
    assert to_s16(heard) == expected.tobytes()


@pytest.mark.parametrize(
    ("module", "words"),
    [("raise OSError('PortAudio library not found')", "PortAudio library"), ("import nothing_such", "package sounddevice")],
)
def test_what_playing_needs_is_named(server, monkeypatch, tmp_path, capsys, module, words):
    (tmp_path / "sounddevice.py").write_text(module)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["say", "Yes.", "--server", server.url]) == 1
    message = capsys.readouterr().err
    assert words in message
    assert "-o speech.mp3" in message


def test_every_option_of_the_commands_is_documented():
    document = (PROJECT / "docs" / "COMMAND_LINE.md").read_text(encoding="utf-8")
    _, commands = build_parser()
    for name, parser in commands.choices.items():
        options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", parser.format_help())) - {"--help"}
        assert [option for option in sorted(options) if option not in document] == [], name
