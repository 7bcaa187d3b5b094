"""What the page says: errors, languages, labels, and to whom it is readable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from studio import SHORT, Studio, long_text

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).parents[2]

VISIBLE_WORDS = """() => {
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(`script, noscript, code, kbd:not([data-t]), h1, [data-language],
      #model, #voice, #voice-words`)) continue;
    words.push(node.data.trim());
  }
  for (const name of ["aria-label", "placeholder", "title"]) {
    for (const node of document.querySelectorAll(`[${name}]`)) words.push(node.getAttribute(name));
  }
  return words;
}"""


def used_keys() -> tuple[set[str], set[str]]:
    """The strings that the page names in full, and the beginnings of those it puts together."""
    html = (PROJECT / "templates" / "index.html").read_text(encoding="utf-8")
    scripts = [path.read_text(encoding="utf-8") for path in (PROJECT / "static" / "js").rglob("*.js") if path.parent.name != "strings"]
    whole = set(re.findall(r'data-t(?:-[a-z-]+)?="([^"]+)"', html))
    prefixes = set()
    for script in scripts:
        whole |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', script))
        prefixes |= set(re.findall(r"`([a-z]+\.)\$\{", script))
    return whole, prefixes


def test_both_languages_have_the_strings_the_page_uses_and_no_others(studio: Studio) -> None:
    english, chinese = studio.page.evaluate(
        """async () => Promise.all(["en", "zh"].map(async (name) => {
          const strings = await import(new URL(`static/js/strings/${name}.js`, location.href));
          return strings.default;
        }))"""
    )
    whole, prefixes = used_keys()
    assert english.keys() == chinese.keys()
    assert whole - english.keys() == set()
    unused = {key for key in english.keys() - whole if key.split(".")[0] + "." not in prefixes and not key.endswith("_title")}
    assert unused == set()
    for key, words in english.items():
        assert words.strip() and chinese[key].strip()
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", chinese[key])), key


def test_switching_the_language_changes_every_word_and_is_remembered(studio: Studio) -> None:
    studio.generate()
    studio["#play"].click()
    english = set(studio.page.evaluate(VISIBLE_WORDS))
    studio.page.get_by_role("button", name="中文").click()
    chinese = set(studio.page.evaluate(VISIBLE_WORDS))
    same = {words for words in english & chinese if re.search(r"[A-Za-z]{3}", words)}
    formats = {"Opus", "FLAC", "MP3", "AAC", "WAV"}
    assert {words for words in same if words not in formats and SHORT not in words and "Parlance" not in words} == set()
    studio.page.reload()
    expect(studio["#generate"]).to_have_text("生成")
    assert studio["html"].get_attribute("lang") == "zh-CN"


def test_a_chinese_browser_is_greeted_in_chinese(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(locale="zh-CN").ready()
    expect(studio["#generate"]).to_have_text("生成")
    expect(studio["#strip-engine"]).to_contain_text("就绪")


def test_the_strip_says_which_engine_answers_and_how_to_get_another(studio: Studio) -> None:
    expect(studio.ready()["#strip-engine"]).to_have_text("Built-in voice · English · ready")
    expect(studio["#install-command"]).to_have_text("./run.sh install chatterbox")
    assert studio["#model option:disabled"].count() >= 1


def test_only_the_controls_of_the_chosen_model_are_shown(studio: Studio) -> None:
    expect(studio.ready()["#controls input"]).to_have_count(0)
    shown = studio.page.evaluate(
        """async () => {
          const { showControls, readControls } = await import(new URL("static/js/controls.js", location.href));
          showControls([
            { name: "exaggeration", minimum: 0.25, maximum: 2, default: 0.5 },
            { name: "top_k", minimum: 0, maximum: 10000, default: 1000 },
          ]);
          document.getElementById("control-top_k").value = 7;
          document.getElementById("control-top_k").dispatchEvent(new Event("input", { bubbles: true }));
          return readControls();
        }"""
    )
    assert shown == {"exaggeration": 0.5, "top_k": 7}
    expect(studio.page.get_by_label("Exaggeration")).to_have_value("0.5")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("\u200b\u200b", "nothing_to_say", "Nothing to read here: only symbols or emoji."),
        (
            "今天天气很好,我们去公园散步吧。",
            "unsupported_text",
            "The chosen model reads English only. For more languages, install Chatterbox",
        ),
    ],
)
def test_what_the_server_refuses_is_told_beside_the_text(studio: Studio, text: str, code: str, words: str) -> None:
    studio.watch.expect("status of 400")
    studio.ready()
    with studio.page.expect_response("**/v1/audio/speech") as answered:
        studio.start(text)
    error = answered.value.json()["error"]
    assert error["code"] == code
    expect(studio.problem("input")).to_contain_text(words)
    expect(studio["#text"]).to_be_focused()
    expect(studio["#text"]).to_have_attribute("aria-invalid", "true")
    expect(studio["#generate"]).to_be_visible()
    studio["#text"].press_sequentially("a")
    expect(studio.problem("input")).to_be_hidden()


def test_in_chinese_the_refusal_comes_in_chinese(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(locale="zh-CN").ready()
    studio.watch.expect("status of 400")
    studio.start("\u200b")
    expect(studio.problem("input")).to_contain_text("没有可朗读的内容")


def test_mistakes_are_told_before_the_server_is_asked(studio: Studio) -> None:
    asked: list[str] = []
    studio.ready().page.on("request", lambda request: asked.append(request.url) if "/v1/audio/" in request.url else None)
    studio.start("  ")
    expect(studio.problem("input")).to_contain_text("Type some text first")
    studio.start(long_text(4000) + "a" * 97)
    expect(studio.problem("input")).to_contain_text("the limit is 4,096")
    expect(studio["#counter"]).to_have_attribute("data-over", "true")
    studio["#seed"].fill("lucky")
    studio.start("Fine.")
    expect(studio.problem("seed")).to_contain_text("whole number")
    assert asked == []


def test_markup_in_texts_and_names_stays_text(studio: Studio, clip: bytes) -> None:
    attack = '<img src=x onerror="window.attacked=1"><b>bold</b> hello'
    studio.ready()["#clip-file"].set_input_files({"name": f"{attack[:30]}.flac", "mimeType": "audio/flac", "buffer": clip})
    studio.generate(attack)
    expect(studio["#history > li .history-text"]).to_have_text(attack)
    studio.page.reload()
    expect(studio["#history > li .history-text"]).to_have_text(attack)
    assert studio["#history img, #history b, #result img, #clip img"].count() == 0
    assert studio.page.evaluate("window.attacked") is None


def test_an_unreachable_server_is_told_and_found_again(studio: Studio) -> None:
    studio.watch.expect("ERR_")
    studio.ready().page.route("**/v1/audio/speech", lambda route: route.abort())
    studio.page.route("**/health", lambda route: route.abort())
    studio.start(SHORT)
    expect(studio.problem("general")).to_contain_text("cannot be reached")
    expect(studio["#strip-engine"]).to_contain_text("Trying again")
    studio.page.unroute("**/health")
    expect(studio["#strip-engine"]).to_contain_text("ready")


def test_a_server_with_keys_asks_for_one_and_remembers_it(open_studio: Callable[..., Studio], start_server: Callable[..., Any]) -> None:
    studio = open_studio(url=start_server(api_keys=("sesame",)).url)
    studio.watch.expect("status of 401")
    studio["#key"].fill("wrong")
    studio["#key-form"].get_by_role("button", name="Use this key").click()
    expect(studio["#key-error"]).to_contain_text("not accepted")
    studio["#key"].fill("sesame")
    studio["#key"].press("Enter")
    studio.generate()
    studio.page.reload()
    studio.ready()
    expect(studio["#key-dialog"]).to_be_hidden()


def test_the_page_can_be_used_by_keyboard_alone(studio: Studio) -> None:
    keys = studio.ready().page.keyboard

    def tab_to(name: str) -> None:
        for _ in range(40):
            keys.press("Tab")
            if studio.page.evaluate("document.activeElement.id") == name:
                ringed = "document.activeElement.closest('.wave, label.button') ?? document.activeElement"
                ring = studio.page.evaluate(f"getComputedStyle({ringed}).outlineStyle")
                assert ring != "none", f"nothing shows that #{name} has the focus"
                return
        pytest.fail(f"#{name} cannot be reached by Tab")

    tab_to("text")
    keys.type(SHORT)
    tab_to("generate")
    keys.press("Enter")
    expect(studio["#play"]).to_have_attribute("data-playing", "true")
    expect(studio["#generate"]).to_be_focused()
    rest = "seek play volume format download voice preview clip-file record model speed seed dice"
    for name in rest.split(" "):
        tab_to(name)
    studio["#text"].focus()
    keys.press("Control+Enter")
    expect(studio["#history > li"]).to_have_count(2)


def test_everything_that_takes_input_has_a_name_and_a_size_for_fingers(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(viewport={"width": 360, "height": 740}, has_touch=True)
    studio.generate()
    nameless = studio.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, canvas, progress, meter")]
          .filter((node) => !node.getAttribute("aria-label") && !node.labels?.length && !node.textContent.trim())
          .filter((node) => !node.getAttribute("aria-hidden"))
          .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    small = studio.page.evaluate(
        """() => [...document.querySelectorAll("button, select, textarea, label.button")]
          .map((node) => [node.id || node.className, node.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.height < 32 || box.width < 32)).map(([name]) => name)"""
    )
    assert small == []


@pytest.mark.parametrize(("locale", "width"), [("en-US", 360), ("zh-CN", 360), ("en-US", 320), ("zh-CN", 320)])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    open_studio: Callable[..., Studio], clip_file: Path, locale: str, width: int
) -> None:
    studio = open_studio(viewport={"width": width, "height": 740}, locale=locale)
    studio.ready()["#clip-file"].set_input_files(clip_file)
    studio.generate("Pneumonoultramicroscopicsilicovolcanoconiosis" * 4)
    outside = studio.page.evaluate(
        """() => [...document.querySelectorAll("main *, header *")]
          .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.right > innerWidth + 1 || box.left < -1)).map(([start]) => start)"""
    )
    assert outside == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= width


def brightness(studio: Studio) -> int:
    colour = studio.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) // 3


def test_dark_follows_the_system_until_the_reader_chooses(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(color_scheme="dark")
    assert brightness(studio) < 60
    studio["#theme"].click()
    assert brightness(studio) > 200
    studio.page.reload()
    assert brightness(studio) > 200
    studio.page.emulate_media(color_scheme="light")
    studio["#theme"].click()
    assert brightness(studio) < 60


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_text_stands_out_from_its_ground_in_both_themes() -> None:
    """WCAG AA: 4.5 for text, 3 for the edges of controls."""
    css = (PROJECT / "static" / "css" / "theme.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)
    light, dark, system_dark = (dict(re.findall(r"--([a-z-]+): ([^;]+);", block)) for block in blocks)
    assert dark == system_dark
    for theme in (light, {**light, **dark}):
        for ground in ("ground", "surface", "sunken", "accent-soft"):
            for text in ("text", "muted", "accent-strong"):
                assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
        pairs = "accent surface, good sunken, warn sunken, bad surface, bad bad-soft, on-accent accent, on-accent accent-strong"
        for text, ground in (pair.split() for pair in pairs.split(", ")):
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
        for one, other in (("line-strong", "surface"), ("wave", "sunken"), ("wave-played", "wave"), ("wave-played", "sunken")):
            assert contrast(theme[one], theme[other]) >= 3, (one, other)


def test_colours_that_the_system_decides_show_the_chosen_language_and_the_state(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(forced_colors="active").ready()
    grounds = studio["[data-language]"].evaluate_all("nodes => nodes.map((node) => getComputedStyle(node).backgroundColor)")
    assert len(set(grounds)) == 2
    ground, edge = studio[".server-dot"].evaluate("node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).borderColor]")
    behind = studio[".server-pill"].evaluate("node => getComputedStyle(node).backgroundColor")
    assert behind not in (ground, edge)
