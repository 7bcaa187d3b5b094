"""OpenAI's package for JavaScript, unmodified, on a web page of another origin."""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "page"))

from chromium import launch  # noqa: E402

PAGE = """<!doctype html><title>Another site</title><script type="module">
import OpenAI from "./node_modules/openai/index.mjs";
const client = new OpenAI({ apiKey: "k", baseURL: "BASE", dangerouslyAllowBrowser: true, maxRetries: 0 });
try {
  const speech = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Yes, it works.", response_format: "wav" });
  const models = await client.models.list();
  window.result = { bytes: (await speech.arrayBuffer()).byteLength, model: speech.headers.get("x-model"), models: models.data.length };
} catch (error) {
  window.result = { error: String(error) };
}
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".mjs": "text/javascript", ".js": "text/javascript", ".html": "text/html"}

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Callable[[Path], str]]:
    """Serves a folder as another site; returns its origin."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def serve(folder: Path) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.browser
def test_openai_speaks_in_a_browser(node_client: Callable[..., Any], site: Callable[[Path], str], start_server: Callable[..., Any]) -> None:
    client = node_client("openai@>=6 <8")
    origin = site(client.folder)
    server = start_server(cors_origins=(origin,), api_keys=("k",))
    (client.folder / "page.html").write_text(PAGE.replace("BASE", f"{server.url}/v1"), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.goto(f"{origin}/page.html")
        page.wait_for_function("window.result !== undefined", timeout=60_000)
        result = json.loads(page.evaluate("JSON.stringify(window.result)"))
        browser.close()
    assert "error" not in result, result
    assert result["bytes"] > 10_000
    assert (result["model"], result["models"] > 0) == ("embedded", True)
