"""A reference clip for one request: by file, base64 or address. Nothing of it stays behind."""

from __future__ import annotations

import base64
import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest
import requests

TEXT = "Spoken in a borrowed voice."


@contextlib.contextmanager
def web_site(pages: dict[str, tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A web site on a free port of this machine; `pages` maps paths to (status, headers, body)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            status, headers, body = pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}"
        finally:
            site.shutdown()
            thread.join()


def speak(server, **kwargs) -> requests.Response:
    return requests.post(f"{server.url}/v1/audio/speech", timeout=60, **kwargs)


FIELDS = {"input": TEXT, "seed": "4", "response_format": "pcm"}


@pytest.fixture(scope="module")
def borrowed(server, clip) -> bytes:
    reply = speak(server, data=FIELDS, files={"custom_voice_file": ("clip.flac", clip)})
    assert reply.status_code == 200, reply.text
    return reply.content


def test_an_uploaded_clip_changes_the_voice_and_is_called_matched(server, clip, borrowed):
    reply = speak(server, data=FIELDS, files={"speaker_wav": ("clip.flac", clip)})
    assert reply.content == borrowed != speak(server, json=FIELDS).content
    assert reply.headers["X-Voice-Cloning"] == "matched"
    assert "X-Voice-Cloning" not in speak(server, json=FIELDS).headers


def test_of_two_clips_the_first_wins(server, clip, borrowed):
    reply = speak(server, data=FIELDS, files={"speaker_wav": ("b.flac", b"not audio"), "custom_voice_file": ("a.flac", clip)})
    assert reply.content == borrowed


def test_a_file_field_in_which_no_file_was_chosen_is_not_given(server, clip, borrowed):
    empty = ("", b"", "application/octet-stream")
    without = speak(server, data=FIELDS, files={"custom_voice_file": empty})
    assert without.content == speak(server, json=FIELDS).content
    assert speak(server, data=FIELDS, files={"custom_voice_file": empty, "speaker_wav": ("a.flac", clip)}).content == borrowed


@pytest.mark.parametrize("prefix", ["", "data:audio/flac;base64,"])
def test_a_clip_may_come_as_base64(server, clip, borrowed, prefix):
    reply = speak(server, json={**FIELDS, "voice_b64": prefix + base64.b64encode(clip).decode()})
    assert reply.content == borrowed


def test_a_clip_may_come_from_an_address(start_server, clip, borrowed):
    running = start_server(voice_url_allow_http=True, voice_url_allow_private=True)
    with web_site({"/clip": (200, {}, clip), "/moved": (302, {"Location": "/clip"}, b"")}) as site:
        for path in ("/clip", "/moved"):
            assert speak(running, json={**FIELDS, "voice_url": site + path}).content == borrowed


def test_addresses_of_the_local_network_are_refused(start_server, clip):
    running = start_server(voice_url_allow_http=True)
    with web_site({"/clip": (200, {}, clip)}) as site:
        reply = speak(running, json={**FIELDS, "voice_url": site + "/clip"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "voice_url")
    assert "public" in reply.json()["error"]["message"]


def test_plain_http_is_refused_unless_allowed(server):
    reply = speak(server, json={**FIELDS, "voice_url": "http://example.com/clip.wav"})
    assert (reply.status_code, "https" in reply.json()["error"]["message"]) == (400, True)


def test_a_redirect_loop_and_a_missing_page_and_a_huge_file_end_in_words(start_server, clip):
    running = start_server(voice_url_allow_http=True, voice_url_allow_private=True, max_upload_bytes=2000)
    with web_site({"/loop": (302, {"Location": "/loop"}, b""), "/huge": (200, {}, clip)}) as site:
        statuses = {path: speak(running, json={**FIELDS, "voice_url": site + path}).status_code for path in ("/loop", "/none", "/huge")}
    assert statuses == {"/loop": 400, "/none": 400, "/huge": 413}


def test_a_clip_larger_than_allowed_is_a_413(start_server, clip):
    running = start_server(max_upload_bytes=2000)
    upload = speak(running, data=FIELDS, files={"speaker_wav": ("a.flac", clip)})
    text = speak(running, json={**FIELDS, "voice_b64": base64.b64encode(clip).decode()})
    assert (upload.status_code, text.status_code) == (413, 413)


def test_the_prompt_route_requires_its_file_and_its_text(server, clip):
    url = f"{server.url}/v2/audio/speech_with_prompt"
    no_file = requests.post(url, files={"input": (None, TEXT)}, timeout=60)
    no_text = requests.post(url, files={"audio_prompt": ("a.flac", clip)}, timeout=60)
    assert (no_file.status_code, no_file.json()["error"]["param"]) == (400, "audio_prompt")
    assert (no_text.status_code, no_text.json()["error"]["param"]) == (400, "input")


def test_the_prompt_route_answers_wav_unless_asked_otherwise(server, clip):
    reply = requests.post(
        f"{server.url}/v2/audio/speech_with_prompt", data={"input": TEXT}, files={"audio_prompt": ("a.flac", clip)}, timeout=60
    )
    assert (reply.headers["Content-Type"], reply.content[:4]) == ("audio/wav", b"RIFF")


def test_the_prompt_route_streams_and_sends_events_like_the_speech_route(server, clip):
    url = f"{server.url}/v2/audio/speech_with_prompt"
    fields = {"input": TEXT, "stream_format": "sse", "response_format": "mp3"}
    reply = requests.post(url, data=fields, files={"audio_prompt": ("a.flac", clip)}, timeout=60)
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    assert b"speech.audio.done" in reply.content


def test_no_temporary_file_is_left(temporary_folder, start_server, clip):
    running = start_server()
    for data in (clip, clip[: len(clip) // 2], b"not audio at all", b""):
        speak(running, data=FIELDS, files={"custom_voice_file": ("clip.flac", data)})
        assert list(temporary_folder.iterdir()) == []
