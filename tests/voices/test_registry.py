"""voices.json and the folder of voices: read with care, written as a whole, never left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tts_server.errors import Conflict, Forbidden, InvalidRequest, VoiceNotFound
from tts_server.speech import VoiceReference
from tts_server.voices.library import VoiceLibrary
from tts_server.voices.names import checked_name, name_key
from tts_server.voices.registry import VoiceEntry, VoiceRegistry

CLIP = VoiceReference(np.zeros(24000, np.float32), 24000, "made")


def decode(data: bytes) -> VoiceReference:
    return VoiceReference(np.zeros(24000, np.float32), 24000, data.decode("latin-1"))


def library_of(folder: Path, *, voices: object = None, files: tuple[str, ...] = ("standard/harbor.flac", "mine/anna.wav")) -> VoiceLibrary:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(file.encode())
    if voices is not None:
        (folder / "voices.json").write_text(voices if isinstance(voices, str) else json.dumps(voices), encoding="utf-8")
    return VoiceLibrary(folder, decode, reserved=("alloy", "nova"))


def written(folder: Path) -> dict[str, object]:
    return json.loads((folder / "voices.json").read_text(encoding="utf-8"))


def tell(name: str = "", **fields: object) -> VoiceEntry:
    return VoiceEntry.model_validate({**({"name": name} if name else {}), **fields})


# What the file says


def test_an_entry_gives_a_voice_its_names_language_and_controls(tmp_path):
    library = library_of(
        tmp_path,
        voices={
            "ANNA": {
                "name": "Aunt Anna",
                "aliases": ["narrator", "Tante Änne"],
                "language": "pt_BR",
                "description": "Warm",
                "controls": {"exaggeration": 0.4},
            }
        },
    )
    voice = library.get("anna")
    assert (voice.id, voice.name, voice.language, voice.description, dict(voice.controls)) == (
        "anna", "Aunt Anna", "pt", "Warm", {"exaggeration": 0.4},
    )  # fmt: skip
    for name in ("NARRATOR", "tante änne", "Tante A\u0308nne", "aunt anna", "\uff21NNA", " anna "):
        assert library.find(name) == "anna"
    assert library.reload().problems == ()


def test_names_may_lead_to_paths_as_an_earlier_server_wrote_them(tmp_path):
    library = library_of(tmp_path, voices={"teller": "mine/anna.wav", "other": "voices\\standard\\HARBOR.flac", "anna": "mine/anna.wav"})
    assert (library.find("Teller"), library.find("other")) == ("anna", "harbor")
    assert library.get("anna").aliases == ("teller",)
    assert library.reload().problems == ()


@pytest.mark.parametrize(
    ("voices", "words"),
    [
        ({"anna": {"controls": {"exaggeration": 9}}}, "anna: controls.exaggeration: input should be less than or equal to 2"),
        ({"anna": {"controls": {"exagerration": 1}}}, "anna: controls.exagerration: there is no such field"),
        ({"anna": {"language": "klingon"}}, "anna: language: 'klingon' is not a language code"),
        ({"anna": {"aliases": "narrator"}}, "anna: aliases: input should be a valid tuple"),
        ({"anna": {"aliases": ["../up"]}}, "anna: aliases: the name may not hold /"),
        ({"anna": {}, "ANNA": {"aliases": ["x"]}}, "ANNA: this voice is there twice"),
        ({"anna": {"colour": "red"}}, "anna: colour: there is no such field"),
        ({"anna": 7}, "anna: must be an object, or the path of a file"),
        ({"berta": {"language": "de"}}, "berta: there is no recording of this name"),
        ({"teller": "mine/other.wav"}, "teller: there is no recording 'mine/other.wav' in the folder"),
        ({"teller": "../secret.wav"}, "teller: there is no recording '../secret.wav' in the folder"),
        ({"anna": {"aliases": ["Alloy"]}}, "anna: 'Alloy' is the name of a built-in voice"),
        ({"anna": {"aliases": ["harbor"]}}, "anna: 'harbor' is a name of another voice already"),
        ({"anna": {"aliases": ["x"]}, "harbor": {"aliases": ["X"]}}, "harbor: 'X' is a name of another voice already"),
    ],
)
def test_a_wrong_entry_is_named_in_words_and_the_others_hold(tmp_path, voices, words, caplog):
    (tmp_path / "secret.wav").write_bytes(b"outside")
    files = ("standard/harbor.flac", "mine/anna.wav", "fine.mp3")
    library = library_of(tmp_path / "voices", files=files, voices={**voices, "fine": {"aliases": ["ok"]}})
    found = library.reload()
    assert [problem for problem in found.problems if words in problem]
    assert len(found.problems) == len(found.failed) == 1
    assert library.find("ok") == "fine"
    assert words in caplog.text


def test_the_right_fields_of_an_entry_hold_beside_a_wrong_one(tmp_path):
    library = library_of(tmp_path, voices={"anna": {"aliases": ["narrator"], "language": "xx-nowhere"}})
    assert library.find("narrator") == "anna"
    assert library.get("anna").language is None


@pytest.mark.parametrize("text", ["{", "[]", '{"anna": {}, "anna": {}}', '{"anna": NaN', "\x00", "[" * 100_000])
def test_a_file_that_is_no_object_is_named_and_never_written_over(tmp_path, text):
    library = library_of(tmp_path, voices=text)
    assert library.find("anna") == "anna"
    assert library.reload().problems[0].startswith("voices.json: ")
    for change in (
        lambda: library.create("new", b"flac", CLIP, VoiceEntry()),
        lambda: library.change("anna", None, {"aliases": ("x",)}),
        lambda: library.delete("anna"),
    ):
        with pytest.raises(Conflict, match="Correct it first"):
            change()
    assert (tmp_path / "voices.json").read_text(encoding="utf-8") == text
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["anna.wav", "harbor.flac", "voices.json"]


def test_while_the_file_is_damaged_what_was_known_holds(tmp_path):
    library = library_of(tmp_path, voices={"anna": {"aliases": ["narrator"]}})
    assert library.find("narrator") == "anna"
    (tmp_path / "voices.json").write_text('{"anna": {', encoding="utf-8")
    assert library.find("narrator") == "anna"


def test_reloading_tells_what_came_and_what_went(tmp_path):
    library = library_of(tmp_path)
    assert library.reference("anna").digest == "mine/anna.wav"
    (tmp_path / "mine" / "anna.wav").unlink()
    (tmp_path / "mine" / "berta.wav").write_bytes(b"berta")
    found = library.reload()
    assert (found.voices, found.added, found.dropped) == (("berta", "harbor"), ("berta",), ("anna",))
    assert library.reload().added == library.reload().dropped == ()
    with pytest.raises(VoiceNotFound):
        library.reference("anna")


# Changing


def test_a_change_keeps_what_people_wrote(tmp_path):
    by_hand = {"harbor": {"description": "Mine", "colour": "red"}, "teller": "mine/anna.wav", "anna": {"aliases": ["old"]}}
    library = library_of(tmp_path, voices=by_hand)
    library.create("Großmutter", b"flac", CLIP, tell(aliases=["oma"], language="de", controls={"exaggeration": 0.3}))
    assert written(tmp_path) == {
        **by_hand,
        "Großmutter": {"name": "Großmutter", "aliases": ["oma"], "language": "de", "controls": {"exaggeration": 0.3}},
    }
    assert (tmp_path / "custom" / "Großmutter.flac").read_bytes() == b"flac"
    library.change("anna", "berta", {})
    assert written(tmp_path)["teller"] == "mine/berta.wav"
    assert written(tmp_path)["berta"] == {"name": "berta", "aliases": ["old"]}
    assert library.find("teller") == library.find("old") == "berta"
    library.delete("berta")
    assert set(written(tmp_path)) == {"harbor", "Großmutter"}
    assert library.find("teller") is library.find("old") is library.find("berta") is None


def test_a_new_voice_does_not_inherit_from_one_that_is_gone(tmp_path):
    library = library_of(tmp_path, voices={"ANNA": {"aliases": ["narrator"], "language": "fr"}})
    (tmp_path / "mine" / "anna.wav").unlink()
    voice = library.create("anna", b"flac", CLIP, VoiceEntry())
    assert (voice.aliases, voice.language) == ((), None)


def test_only_the_case_of_a_name_can_change_too(tmp_path):
    library = library_of(tmp_path, voices={"anna": {"aliases": ["narrator"]}})
    assert library.change("anna", "Anna", {}).id == "Anna"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["Anna.wav"]
    assert library.find("narrator") == "Anna"


def test_fields_change_one_by_one_and_go_when_emptied(tmp_path):
    library = library_of(tmp_path)
    library.change("harbor", None, {"aliases": ("a", "b"), "language": "en"})
    voice = library.change("harbor", None, {"aliases": ()})
    assert (voice.aliases, voice.language) == ((), "en")
    library.change("harbor", None, {"language": None})
    assert written(tmp_path) == {"harbor": {}}


def test_a_change_leaves_the_fields_alone_that_it_is_not_about(tmp_path):
    by_hand = {"Harbor": {"colour": "red", "controls": {"top_p": 7}, "aliases": ["old"]}}
    library = library_of(tmp_path, voices=by_hand)
    library.change("harbor", None, {"aliases": ("new",)})
    assert written(tmp_path) == {"harbor": {**by_hand["Harbor"], "aliases": ["new"]}}


def test_what_ships_is_neither_renamed_nor_deleted_and_built_in_voices_never_change(tmp_path):
    library = library_of(tmp_path)
    for change in (
        lambda: library.delete("harbor"),
        lambda: library.change("harbor", "other", {}),
        lambda: library.delete("alloy"),
        lambda: library.change("ALLOY", None, {"aliases": ("x",)}),
    ):
        with pytest.raises(Forbidden):
            change()
    assert (tmp_path / "standard" / "harbor.flac").exists()


@pytest.mark.parametrize("name", ["Alloy", "HARBOR", "harbor", "narrator", "\uff28arbor", "Tante A\u0308nne"])
def test_a_name_that_means_a_voice_is_not_given_twice(tmp_path, name):
    library = library_of(tmp_path, voices={"anna": {"aliases": ["Narrator", "Tante Änne"]}})
    with pytest.raises(Conflict):
        library.create(name, b"flac", CLIP, VoiceEntry())
    with pytest.raises(Conflict):
        library.create("fresh", b"flac", CLIP, tell(aliases=[name]))
    library.create("fresh", b"flac", CLIP, VoiceEntry())
    with pytest.raises(Conflict):
        library.change("fresh", name, {})
    assert sorted(path.name for path in tmp_path.rglob("*.flac")) == ["fresh.flac", "harbor.flac"]


BAD_NAMES = [
    *"../up ..\\up .. . %2e%2e a/b a\\b C:\\x C:x \\\\host\\share //host/share a:b a*b a?b".split(),
    *"NUL nul.wav COM1 com¹ LPT9.txt CON aux.tar.gz conin$".split(),
    *["a|b", 'a"b', "<a>", "a\0b", "a\nb", "a\u202eb", "a\u200bb", "\u2028", "\ud800"],
    *["", "   ", "...", "a.", "a. ", ".a", "‥/up", "a／b", "％2e", "!!!"],
    *["x" * 81, "ä" * 101, "漢" * 70],
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_lead_elsewhere_or_fail_on_some_system_are_refused(tmp_path, name):
    library = library_of(tmp_path / "voices")
    for attempt in (lambda: library.create(name, b"flac", CLIP, VoiceEntry()), lambda: library.change("anna", name, {})):
        with pytest.raises(InvalidRequest) as caught:
            attempt()
        assert (caught.value.param, caught.value.code) == ("name", "invalid_name")
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["anna.wav", "harbor.flac"]


@pytest.mark.parametrize(
    "name", ["anna", "Großmutter Ava", "O'Neil (2)", "声音", "voice.v2", "nullify", "Console", "com10", "-x_y", "x" * 80]
)
def test_ordinary_names_are_fine(name):
    assert checked_name(f"  {name} ") == name


def test_spellings_of_one_name_are_one_name():
    assert name_key("Café") == name_key("CAFE\u0301") == name_key("ｃafé ")
    assert checked_name("Cafe\u0301  noir") == "Café noir"


def test_links_that_leave_the_folder_lead_to_no_voice_and_take_none(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"outside")
    folder = tmp_path / "voices"
    folder.mkdir()
    try:
        (folder / "custom").symlink_to(outside, target_is_directory=True)
        (folder / "link.wav").symlink_to(outside / "secret.wav")
    except OSError:
        pytest.skip("this system makes no links")
    library = library_of(folder, files=())
    assert library.voices() == []
    with pytest.raises(Conflict):
        library.create("new", b"flac", CLIP, VoiceEntry())
    assert [path.name for path in outside.iterdir()] == ["secret.wav"]


# What may go wrong on the disk


def test_a_folder_that_cannot_be_written_is_told_in_words_and_nothing_is_left(tmp_path, monkeypatch):
    library = library_of(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Conflict, match="No space left on device"):
        library.create("new", b"flac", CLIP, tell(aliases=["x"]))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_recording_that_cannot_be_stored_leaves_no_entry(tmp_path, monkeypatch):
    library = library_of(tmp_path, voices={})
    real = Path.replace

    def fail(source: Path, target: Path) -> Path:
        if target.suffix == ".flac":
            raise OSError(5, "Input/output error")
        return real(source, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(Conflict):
        library.create("new", b"flac", CLIP, tell(aliases=["x"]))
    assert written(tmp_path) == {}
    assert library.find("x") is None


def test_a_file_that_is_held_for_a_moment_is_waited_for_on_windows(tmp_path, monkeypatch):
    library = library_of(tmp_path)
    real, refused = Path.replace, []

    def hold_twice(source: Path, target: Path) -> Path:
        if len(refused) < 2:
            refused.append(target)
            raise PermissionError(13, "Access is denied")
        return real(source, target)

    monkeypatch.setattr("tts_server.voices.registry.FILES_ARE_HELD", True)
    monkeypatch.setattr(Path, "replace", hold_twice)
    library.change("harbor", None, {"aliases": ("x",)})
    monkeypatch.undo()
    assert (library.find("x"), len(refused)) == ("harbor", 2)


def test_readers_see_the_old_file_or_the_new_one_while_many_write(tmp_path):
    library = library_of(tmp_path, voices={"anna": {"aliases": ["narrator"]}})
    done = threading.Event()

    def read() -> set[str | None]:
        seen: set[str | None] = set()
        while not done.is_set():
            seen.add(VoiceLibrary(tmp_path, decode).find("narrator"))
            json.loads((tmp_path / "voices.json").read_text(encoding="utf-8"))
        return seen

    def write(number: int) -> None:
        library.create(f"v{number}", b"flac", CLIP, tell(aliases=[f"a{number}"]))
        if number % 2:
            library.delete(f"v{number}")

    with ThreadPoolExecutor(10) as threads:
        reading = threads.submit(read)
        for _ in threads.map(write, range(24)):
            pass
        done.set()
        assert reading.result() == {"anna"}
    assert set(written(tmp_path)) == {"anna", *(f"v{number}" for number in range(0, 24, 2))}


def test_of_many_who_make_rename_or_delete_one_voice_at_once_one_does(tmp_path):
    library = library_of(tmp_path)
    together = threading.Barrier(16)

    def outcomes(change: Callable[[int], object]) -> list[str]:
        def attempt(number: int) -> str:
            together.wait(10)
            try:
                change(number)
            except (Conflict, VoiceNotFound) as error:
                return error.code
            return "done"

        return sorted(threads.map(attempt, range(16)))

    with ThreadPoolExecutor(16) as threads:
        for round_ in range(4):
            made = outcomes(lambda number: library.create("crowd", b"%d" % number, CLIP, tell(aliases=["many"])))
            assert made == ["done"] + ["voice_exists"] * 15
            renamed = outcomes(lambda _: library.change("crowd", f"other {round_}", {}))  # noqa: B023 - done before the next round
            assert renamed == ["done"] + ["voice_not_found"] * 15
            deleted = outcomes(lambda _: library.delete(f"other {round_}"))  # noqa: B023
            assert deleted == ["done"] + ["voice_not_found"] * 15
    assert written(tmp_path) == {}


WRITER = """
import sys
from pathlib import Path
from tts_server.voices.registry import VoiceRegistry
registry = VoiceRegistry(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    number += 1
    registry.update(lambda raw: raw.update({"anna": {"description": "x" * 400, "aliases": [f"name {number}"]}}))
"""


def test_a_server_that_is_killed_while_it_writes_leaves_a_whole_file(tmp_path):
    library_of(tmp_path, voices={"anna": {"aliases": ["name 0"]}})
    for round_ in range(5):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline().strip() == b"ready"
            threading.Event().wait(0.01 * (round_ + 1))  # somewhere in the middle of its writing
            writer.kill()
        assert written(tmp_path)["anna"]["aliases"][0].startswith("name ")
    for left in tmp_path.glob(".*.unfinished"):
        os.utime(left, (time.time() - 7200,) * 2)
    VoiceRegistry(tmp_path)
    assert list(tmp_path.glob(".*.unfinished")) == []


def test_a_clip_is_decoded_once_however_many_ask_at_the_same_time(tmp_path):
    asked, together, count = threading.Barrier(8), threading.Event(), []

    def slow(data: bytes) -> VoiceReference:
        count.append(data)
        together.wait(10)
        return decode(data)

    library_of(tmp_path)
    library = VoiceLibrary(tmp_path, slow)

    def ask(_: int) -> VoiceReference:
        asked.wait(10)
        return library.reference("anna")

    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(ask, number) for number in range(8)]
        while not library._decoding:
            time.sleep(0)
        together.set()
        assert {reference.result().digest for reference in waiting} == {"mine/anna.wav"}
    assert len(count) == 1
