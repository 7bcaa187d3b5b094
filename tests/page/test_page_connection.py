"""What the page says while its server is gone, and behind a proxy that stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from proxy import Proxy, run_proxy
from studio import SHORT, Studio, long_text
from support.server import RunningServer, run_server

pytestmark = pytest.mark.browser


@pytest.fixture
def proxy(server: RunningServer) -> Iterator[Proxy]:
    with run_proxy(server.port) as running:
        yield running


@pytest.fixture
def behind(proxy: Proxy, open_studio: Callable[..., Studio]) -> Studio:
    """The page as the proxy gives it out."""
    studio = open_studio(url=f"http://127.0.0.1:{proxy.port}")
    studio.watch.expect("status of")
    studio.watch.expect("ERR_")
    return studio.ready()


def test_an_idle_page_notices_that_the_server_is_gone_and_is_back(open_studio: Callable[..., Studio]) -> None:
    with run_server() as running:
        studio = open_studio(url=running.url).ready()
        studio.watch.expect("ERR_")
    expect(studio["#strip"]).to_have_attribute("data-state", "unreachable")
    expect(studio["#strip-engine"]).to_contain_text("cannot be reached")
    studio.start(SHORT)
    expect(studio.problem("general")).to_contain_text("cannot be reached")
    with run_server(port=running.port):
        studio.ready()
        expect(studio.problem("general")).to_be_hidden()
        expect(studio["#strip-engine"]).to_contain_text("ready")


def test_the_server_is_asked_every_few_seconds_while_the_page_is_seen_and_not_while_it_is_hidden(studio: Studio) -> None:
    page = studio.ready().page
    page.clock.install()
    page.reload()
    studio.ready()
    with page.expect_request("**/health"):
        page.clock.run_for(5_000)
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.clock.run_for(10_000)  # a check may have been planned when the page was still seen
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(600_000)
    assert [url for url in asked if url.endswith("/health")] == []
    with page.expect_request("**/health"):
        page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_a_broken_reply_says_how_much_is_kept(behind: Studio, proxy: Proxy) -> None:
    proxy.cut_after = 400_000  # of 24,000 samples of 2 bytes a second
    behind.start(long_text(2000))
    expect(behind.problem("general")).to_have_text(re.compile(r"^Connection lost\. The first 0:0[1-8] are available\.$"))
    expect(behind["#history > li"]).to_have_count(1)
    proxy.cut_after = 0
    behind.start(SHORT)
    expect(behind.problem("general")).to_have_text("Connection lost before the first sound. Try again.")


@pytest.mark.parametrize(
    ("status", "words"),
    [(502, "gets no answer from it"), (503, "gets no answer from it"), (504, "proxy_read_timeout"), (418, "status 418")],
)
def test_errors_of_the_proxy_itself_say_what_to_do(behind: Studio, proxy: Proxy, status: int, words: str) -> None:
    proxy.status = status
    behind.start(SHORT)
    expect(behind.problem("general")).to_contain_text(words)
    behind["[data-language=zh]"].click()
    expect(behind.problem("general")).to_contain_text(re.compile("[\u4e00-\u9fff]{4}"))


def test_a_proxy_that_answers_for_a_server_that_is_gone_makes_it_unreachable(behind: Studio, proxy: Proxy) -> None:
    proxy.status = 502
    expect(behind["#strip"]).to_have_attribute("data-state", "unreachable")
    proxy.status = None
    behind.ready()


def test_a_clip_that_the_proxy_refuses_names_its_setting(behind: Studio, proxy: Proxy, clip_file: Path) -> None:
    proxy.max_body = 1000
    behind["#clip-file"].set_input_files(clip_file)
    expect(behind.problem("clip")).to_contain_text("client_max_body_size")


def test_a_proxy_that_changes_the_host_is_named_with_the_setting_that_helps(
    proxy: Proxy, server: RunningServer, open_studio: Callable[..., Studio]
) -> None:
    """The name is no secure address, so that the browser does not tell the server which site the page is of."""
    proxy.host = f"127.0.0.1:{server.port}"
    studio = open_studio(url=f"http://parlance.local:{proxy.port}").ready()
    studio.watch.expect("status of 403")
    studio.start(SHORT)
    expect(studio.problem("general")).to_contain_text("proxy_set_header Host $http_host")
    expect(studio.problem("general")).to_contain_text(f"http://parlance.local:{proxy.port}")


def test_a_host_that_the_server_refuses_is_said_with_its_name(behind: Studio, proxy: Proxy) -> None:
    proxy.host = "tts.example.com"
    expect(behind["#strip"]).to_have_attribute("data-state", "refused")
    expect(behind["#strip-engine"]).to_contain_text("ALLOWED_HOSTS")


def test_only_visitors_of_the_servers_own_machine_are_told_to_run_commands(
    start_server: Callable[..., RunningServer], open_studio: Callable[..., Studio]
) -> None:
    running = start_server(allow_local_names=True)
    studio = open_studio(url=f"http://parlance.local:{running.port}").ready()
    expect(studio["#strip-install"]).to_contain_text("ask the administrator of this server")
    expect(studio["#install-command"]).to_be_hidden()


def test_the_hint_to_install_more_can_be_dismissed_for_good(studio: Studio) -> None:
    expect(studio.ready()["#install-command"]).to_be_visible()
    studio["#install-dismiss"].click()
    expect(studio["#strip-install"]).to_be_hidden()
    expect(studio["#text"]).to_be_focused()
    studio.page.reload()
    studio.ready()
    expect(studio["#strip-install"]).to_be_hidden()


def test_a_text_in_another_script_names_what_the_model_reads(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(locale="zh-CN").ready()
    studio.watch.expect("status of 400")
    expect(studio["#samples-language"]).to_contain_text("只会读英语")
    expect(studio["#voice-words"]).to_have_text("清晰、平衡")
    expect(studio["#model option:checked"]).to_have_text("内置声音")
    studio.start("今天天气很好,我们去公园散步吧。")
    expect(studio.problem("input")).to_contain_text("所选模型只会读英语。")
    expect(studio.problem("input")).not_to_contain_text("script")
