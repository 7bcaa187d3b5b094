"""The text box: nothing that was typed is lost, and files become text."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from studio import SHORT, Studio, long_text

pytestmark = pytest.mark.browser

TYPED = "My own words,\nwhich took an hour."

DROP = """async ([target, files]) => {
  const transfer = new DataTransfer();
  for (const [name, data, type] of files) {
    transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.querySelector(target).dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def drop(studio: Studio, *files: tuple[str, bytes], target: str = "body", type_: str = "") -> None:
    studio.page.evaluate(DROP, [target, [[name, base64.b64encode(data).decode(), type_] for name, data in files]])


def epub(documents: dict[str, str], *, container: str = "OPS/book.opf", extra: dict[str, str] | None = None) -> bytes:
    """A book whose spine has `documents` in this order; they are packed in the opposite order."""
    items = "".join(f'<item id="d{at}" href="{name}" media-type="application/xhtml+xml"/>' for at, name in enumerate(documents))
    spine = "".join(f'<itemref idref="d{at}"/>' for at in range(len(documents)))
    files = {f"OPS/{name.replace('%20', ' ')}": text for name, text in reversed(documents.items())}
    files[container] = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>'
    files["META-INF/container.xml"] = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        f'<rootfile full-path="{container}" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in {**files, **(extra or {})}.items():
            archive.writestr(name, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def xhtml(body: str) -> str:
    return f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>not read</title></head><body>{body}</body></html>'


def test_a_sample_is_one_edit_that_undo_takes_back_exactly(studio: Studio) -> None:
    studio.ready()["#text"].press_sequentially(TYPED)
    studio.page.get_by_role("button", name="A story").click()
    expect(studio["#text"]).to_have_value(re.compile("^The lighthouse keeper"))
    expect(studio["#text"]).to_be_focused()
    studio.page.keyboard.press("Control+z")
    expect(studio["#text"]).to_have_value(TYPED)
    studio.page.keyboard.press("Control+Shift+z")
    expect(studio["#text"]).to_have_value(re.compile("^The lighthouse keeper"))


def test_a_replaced_text_is_offered_back_by_a_button(studio: Studio) -> None:
    studio.ready()["#text"].fill(TYPED)
    studio.page.get_by_role("button", name="The news").click()
    expect(studio["#toast"]).to_contain_text("Text replaced.")
    studio["#toast"].get_by_role("button", name="Undo").click()
    expect(studio["#text"]).to_have_value(TYPED)
    expect(studio["#toast"]).to_be_empty()


def test_an_empty_box_is_filled_without_a_message(studio: Studio) -> None:
    studio.ready().page.get_by_role("button", name="Welcome").click()
    expect(studio["#text"]).to_have_value(re.compile("^Hello, and welcome!"))
    expect(studio["#toast"]).to_be_empty()


def test_using_a_result_again_offers_the_text_and_the_settings_back(studio: Studio) -> None:
    studio.ready()["#voice"].select_option("echo")
    studio.generate()
    studio["#text"].fill(TYPED)
    studio["#voice"].select_option("nova")
    studio["#history > li"].get_by_role("button", name="Edit").click()
    expect(studio["#text"]).to_have_value(SHORT)
    studio["#toast"].get_by_role("button", name="Undo").click()
    expect(studio["#text"]).to_have_value(TYPED)
    expect(studio["#voice"]).to_have_value("nova")


def test_a_file_of_many_lines_is_undone_too(studio: Studio) -> None:
    lines = "\n".join(f"Line {number}." for number in range(3000))
    studio.ready()["#text"].press_sequentially(TYPED)
    studio.watch.expect("status of 4")
    drop(studio, ("lines.txt", lines.encode()))
    expect(studio["#text"]).to_have_value(lines)
    studio["#text"].press("Control+z")
    expect(studio["#text"]).to_have_value(TYPED)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("plain.txt", "Grüße, Welt.".encode(), "Grüße, Welt."),
        ("marked.TXT", "\ufeffGrüße.".encode(), "Grüße."),
        ("little.txt", "\ufeffGrüße.".encode("utf-16-le"), "Grüße."),
        ("big.txt", "\ufeffGrüße.".encode("utf-16-be"), "Grüße."),
        ("old.txt", "Grüße – “so”.".encode("cp1252"), "Grüße – “so”."),
        ("chapter.md", b"# One\r\n\r\nIt *was* night.", "# One\n\nIt *was* night."),
        ("film.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n", "1\n00:00:01,000 --> 00:00:02,000\nHello."),
        ("film.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello."),
    ],
)
def test_a_dropped_text_file_becomes_the_text(studio: Studio, name: str, data: bytes, text: str) -> None:
    drop(studio.ready(), (name, data), target="#text")
    expect(studio["#text"]).to_have_value(text)
    expect(studio["#clip"]).to_be_hidden()
    expect(studio["#toast"]).to_contain_text(name)


def test_a_type_decides_where_the_name_has_no_ending(studio: Studio, clip: bytes) -> None:
    drop(studio.ready(), ("README", b"Read me."), type_="text/plain")
    expect(studio["#text"]).to_have_value("Read me.")
    drop(studio, ("recording", clip), type_="audio/flac")
    expect(studio["#clip-name"]).to_have_text("recording")
    expect(studio["#clip-check [data-grade=wait]"]).to_have_count(0)


def test_a_clip_and_a_text_dropped_together_go_each_to_its_place(studio: Studio, clip: bytes) -> None:
    drop(studio.ready(), ("words.txt", b"Some words."), ("speaker.flac", clip))
    expect(studio["#text"]).to_have_value("Some words.")
    expect(studio["#clip-name"]).to_have_text("speaker.flac")
    expect(studio["#clip-check [data-grade=wait]"]).to_have_count(0)


def test_a_book_is_read_in_the_order_of_its_spine(studio: Studio) -> None:
    documents = {
        "one.xhtml": xhtml('<h1 style="color: red">One</h1><p>It was\n night &amp; <i>cold</i>.</p><style>p {color: red}</style>'),
        "two%20b.xhtml": xhtml("<nav>Contents</nav><p>First line.<br/>Second <ruby>字<rt>zì</rt></ruby>.</p><ul><li>A</li><li>B</li></ul>"),
        "empty.xhtml": xhtml("<title/><a id='x'/><p>A link.</p>"),
        "three.html": "<html><body><p>Not well-formed<p>but &nbsp;read<script>never()</script></body></html>",
    }
    drop(studio.ready(), ("book.epub", epub(documents)))
    expected = "One\n\nIt was night & cold.\n\nFirst line.\nSecond 字.\n\nA\n\nB\n\nA link.\n\nNot well-formed\n\nbut read"
    expect(studio["#text"]).to_have_value(expected)


def test_a_file_is_opened_by_a_button_too(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader.", encoding="utf-8")
    studio.ready()["#text-file"].set_input_files(path)
    expect(studio["#text"]).to_have_value("Dear reader.")


def test_a_text_over_the_limit_says_how_long_it_is_and_what_to_do(studio: Studio) -> None:
    drop(studio.ready(), ("long.txt", long_text(5012).rstrip().ljust(5012, "x").encode()))
    expect(studio.problem("input")).to_contain_text("5,012 characters")
    expect(studio.problem("input")).to_contain_text("the limit is 4,096")
    expect(studio.problem("input")).to_contain_text("./run.sh say -f FILE")
    expect(studio["#counter"]).to_contain_text("words · about 5:")


def bomb() -> bytes:
    return epub({"one.xhtml": xhtml("<p>" + " " * (110 * 2**20) + "</p>")})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("photo.jpg", b"\xff\xd8\xff", "For the text: .txt, .md, .srt, .vtt, .html or .epub. For the reference clip: audio"),
        ("report.pdf", b"%PDF-1.7", "cannot be used here"),
        ("nothing", b"", "cannot be used here"),
        ("empty.txt", b" \n", "contains no text"),
        ("binary.txt", b"\x00\x01\x02", "does not contain text"),
        ("broken.epub", b"PK\x03\x04 and then nothing", "not a complete EPUB"),
        ("cut.epub", epub({"one.xhtml": xhtml("<p>Hello.</p>")})[:-60], "not a complete EPUB"),
        ("bomb.epub", bomb(), "not a complete EPUB"),
        ("locked.epub", epub({"one.xhtml": "\0\1\2"}, extra={"META-INF/encryption.xml": "<encryption/>"}), "copy-protected"),
        ("large.txt", b"x" * (4 * 2**20 + 1), "at most 4 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[-6:] else "",
)
def test_a_file_that_cannot_be_used_is_refused_in_words_and_the_text_stays(studio: Studio, name: str, data: bytes, words: str) -> None:
    studio.ready()["#text"].fill(TYPED)
    drop(studio, (name, data))
    expect(studio.problem("input")).to_contain_text(words)
    expect(studio.problem("input")).to_contain_text(name)
    expect(studio["#text"]).to_have_value(TYPED)
    expect(studio["#clip"]).to_be_hidden()


def test_in_chinese_an_old_chinese_file_is_read(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(locale="zh-CN").ready()
    drop(studio, ("旧.txt", "今天天气很好。".encode("gb18030")))
    expect(studio["#text"]).to_have_value("今天天气很好。")
    expect(studio["#counter"]).to_contain_text("6 字")
