"""Loading and unloading of models: shared loads, progress, failures, memory, idle models, broken devices. With small models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from engines.models_at_hand import PATIENCE, SmallSource
from support.clock import Clock

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.manager.model_manager import ModelManager
from tts_server.engines.model_source import ModelState
from tts_server.errors import Conflict, EngineFailure, ModelLoading, ModelNotAvailable, Unavailable

UTTERANCE = Utterance("Hello.", "own", 0, 0, 1.0, None, {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manage(clock: Clock) -> Iterator[Callable[..., ModelManager]]:
    """Make a manager whose time stands still unless the test moves it."""
    made: list[ModelManager] = []

    def make(clock: Callable[[], float] = clock, **options: object) -> ModelManager:
        sources = {name: options.pop(name) for name in list(options) if isinstance(options[name], SmallSource)}
        made.append(ModelManager(sources, clock=clock, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for manager in made:
        manager.close()


def load(manager: ModelManager, *names: str) -> None:
    for name in names:
        manager.load(name)
        assert manager.wait(name, PATIENCE).state is ModelState.READY


def speak(manager: ModelManager, name: str) -> int:
    return sum(len(chunk) for chunk in manager.engine(name).submit(UTTERANCE).chunks(Cancellation()))


def wait_for(manager: ModelManager, name: str, state: ModelState) -> None:
    assert manager.wait(name, PATIENCE, states={state}).state is state


def test_a_model_is_loaded_when_it_is_asked_for_and_then_it_speaks(manage) -> None:
    manager = manage(a=SmallSource())
    assert manager.status("a").state is ModelState.UNLOADED
    with pytest.raises(ModelLoading) as refused:
        manager.engine("a")
    assert refused.value.status == 503
    assert 1 <= refused.value.retry_after <= 60
    assert manager.wait("a", PATIENCE).state is ModelState.READY
    assert speak(manager, "a") == 20


def test_many_requests_at_once_share_one_load(manage) -> None:
    source = SmallSource()
    source.creates.clear()
    manager = manage(a=source)
    threads = [threading.Thread(target=manager.load, args=("a",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    source.creates.set()
    manager.wait("a", PATIENCE)
    assert len(source.made) == 1


def test_a_download_reports_its_progress_and_a_retry_time(manage, clock) -> None:
    source = SmallSource("Big Voice", is_here=False)
    source.downloads.clear()
    manager = manage(a=source)
    assert manager.status("a").state is ModelState.ABSENT
    manager.load("a")
    assert source.is_half_way.wait(PATIENCE)
    clock.now += 20
    status = manager.status("a")
    assert (status.state, status.bytes_done, status.bytes_total) == (ModelState.DOWNLOADING, 400, 1000)
    assert status.retry_after == pytest.approx(30)  # 600 bytes are left at 20 bytes a second
    with pytest.raises(ModelLoading, match=r"Big Voice is being downloaded \(.* 40%\).*about 30 seconds"):
        manager.engine("a")
    source.downloads.set()
    assert manager.wait("a", PATIENCE).state is ModelState.READY


def test_a_download_can_be_given_up_and_begun_again(manage) -> None:
    source = SmallSource(is_here=False)
    source.downloads.clear()
    manager = manage(a=source)
    manager.load("a")
    assert source.is_half_way.wait(PATIENCE)
    manager.unload("a")
    source.downloads.set()
    assert manager.wait("a", PATIENCE).state is ModelState.ABSENT
    assert source.made == []
    load(manager, "a")


def test_downloads_come_one_after_the_other(manage) -> None:
    first, second = SmallSource(is_here=False), SmallSource(is_here=False)
    first.downloads.clear()
    second.downloads.clear()
    manager = manage(a=first, b=second)
    manager.load("a")
    assert first.is_half_way.wait(PATIENCE)
    manager.load("b")
    manager.load("b")
    assert manager.status("b").bytes_done == 0
    first.downloads.set()
    assert second.is_half_way.wait(PATIENCE)
    assert manager.wait("a", PATIENCE).state is ModelState.READY
    manager.unload("b")
    second.downloads.set()
    assert manager.wait("b", PATIENCE).state is ModelState.ABSENT


def test_a_server_that_stops_gives_up_a_download(manage) -> None:
    source = SmallSource(is_here=False)
    source.downloads.clear()
    manager = manage(a=source)
    manager.load("a")
    assert source.is_half_way.wait(PATIENCE)
    closing = threading.Thread(target=manager.close)
    closing.start()
    assert manager.wait("a", PATIENCE).state is ModelState.DOWNLOADING  # returns once the manager is closed
    source.downloads.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert source.made == []
    with pytest.raises(Unavailable):
        manager.engine("a")


def test_a_failure_is_reported_with_its_reason_and_retried_after_a_pause(manage, clock) -> None:
    source = SmallSource()
    source.error = OSError("the disk is full")
    manager = manage(a=source, retry_pause=30)
    manager.load("a")
    assert manager.wait("a", PATIENCE).reason == "the disk is full."
    source.error = None
    clock.now += 10
    with pytest.raises(ModelNotAvailable, match="the disk is full") as refused:
        manager.engine("a")
    assert refused.value.retry_after == pytest.approx(20)
    clock.now += 21
    with pytest.raises(ModelLoading):
        manager.engine("a")
    assert manager.wait("a", PATIENCE).state is ModelState.READY


def test_a_forced_load_does_not_wait_for_the_pause(manage) -> None:
    source = SmallSource()
    source.error = ValueError("bad file")
    manager = manage(a=source)
    manager.load("a")
    assert manager.wait("a", PATIENCE).state is ModelState.FAILED
    source.error = None
    load(manager, "a")


def test_the_least_recently_used_model_is_unloaded_for_another(manage, clock) -> None:
    sources = {name: SmallSource(size=400) for name in "abc"}
    manager = manage(**sources, memory_bytes=1000)
    load(manager, "a", "b")
    clock.now += 1
    speak(manager, "a")
    load(manager, "c")
    assert set(manager.engines()) == {"a", "c"}
    assert sources["b"].made[0].is_closed
    assert manager.used_bytes == 800


def test_a_model_that_speaks_is_never_unloaded(manage) -> None:
    sources = {name: SmallSource(size=400) for name in "ab"}
    manager = manage(**sources, memory_bytes=500, memory_wait=PATIENCE)
    load(manager, "a")
    stream = manager.engine("a").submit(UTTERANCE)
    chunks = stream.chunks(Cancellation())
    next(chunks)
    with pytest.raises(Conflict):
        manager.unload("a")
    manager.load("b")
    wait_for(manager, "b", ModelState.LOADING)
    assert manager.status("a").state is ModelState.READY
    list(chunks)  # the stream ends, and with it the use
    assert manager.wait("b", PATIENCE).state is ModelState.READY
    assert manager.status("a").state is ModelState.UNLOADED


def test_a_stream_that_is_closed_unread_does_not_count_as_a_use(manage) -> None:
    manager = manage(a=SmallSource())
    load(manager, "a")
    stream = manager.engine("a").submit(UTTERANCE)
    stream.close()
    stream.close()
    assert manager.unload("a").state is ModelState.UNLOADED


def test_where_all_are_in_use_a_model_is_refused_with_the_reason(manage) -> None:
    manager = manage(a=SmallSource(size=400), b=SmallSource(size=400), memory_bytes=500, memory_wait=0)
    load(manager, "a")
    manager.engine("a").submit(UTTERANCE)
    manager.load("b")
    assert "other models are in use" in (manager.wait("b", PATIENCE).reason or "")


def test_a_model_larger_than_the_budget_is_refused_with_the_reason(manage) -> None:
    manager = manage(a=SmallSource(size=3 * 2**20), memory_bytes=2**20)
    manager.load("a")
    assert manager.wait("a", PATIENCE).reason == "it needs about 3 MB of memory, and MODEL_MEMORY_MB allows 1."


def test_the_memory_of_a_model_that_failed_is_free_again(manage) -> None:
    source = SmallSource(size=400)
    source.error = MemoryError()
    manager = manage(a=source, memory_bytes=500)
    manager.load("a")
    assert manager.wait("a", PATIENCE).reason == "there is not enough memory."
    assert manager.used_bytes == 0


def test_an_idle_model_is_unloaded_and_loaded_again_for_the_next_request(manage, clock) -> None:
    source = SmallSource()
    manager = manage(a=source, keep_alive=300)
    load(manager, "a")
    clock.now += 299
    manager.unload_idle()
    assert manager.status("a").state is ModelState.READY
    speak(manager, "a")
    clock.now += 299
    manager.unload_idle()
    assert manager.status("a").state is ModelState.READY
    clock.now += 2
    manager.unload_idle()
    assert manager.status("a").state is ModelState.UNLOADED
    assert source.made[0].is_closed
    assert speak(manager, "a") == 20  # waited for, since it was ready before
    assert len(source.made) == 2


def test_idle_models_are_unloaded_without_anybody_asking(manage) -> None:
    import time

    manager = manage(a=SmallSource(), clock=time.monotonic, keep_alive=0, min_keep_alive=0.05)
    load(manager, "a")
    wait_for(manager, "a", ModelState.UNLOADED)


def test_a_model_is_never_unloaded_where_no_time_is_set(manage, clock) -> None:
    manager = manage(a=SmallSource(), keep_alive=None)
    load(manager, "a")
    clock.now += 10**9
    manager.unload_idle()
    assert manager.status("a").state is ModelState.READY


def test_to_list_voices_or_counters_is_not_to_use_a_model(manage, clock) -> None:
    manager = manage(a=SmallSource(), keep_alive=300)
    load(manager, "a")
    engine = manager.engine("a")
    clock.now += 301
    assert [voice.id for voice in engine.voices()] == ["own"]
    assert engine.stats() == {"segments_done": 1}
    manager.unload_idle()
    assert manager.status("a").state is ModelState.UNLOADED
    assert list(engine.voices()) == []


def test_a_broken_engine_is_replaced_and_the_server_goes_on(manage) -> None:
    source = SmallSource()
    manager = manage(a=source)
    load(manager, "a")
    source.made[0].breaks = True
    with pytest.raises(EngineFailure):
        speak(manager, "a")
    assert speak(manager, "a") == 20
    assert len(source.made) == 2
    assert source.made[0].is_closed


def test_the_handle_of_a_model_works_after_it_was_unloaded(manage) -> None:
    manager = manage(a=SmallSource())
    load(manager, "a")
    engine = manager.engine("a")
    manager.unload("a")
    assert sum(map(len, engine.submit(UTTERANCE).chunks(Cancellation()))) == 20
