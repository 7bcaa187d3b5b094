"""A replica: one engine in a process of the cluster, with one model on one GPU or some CPU cores."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import ray
from ray import serve

from tts_server.cancellation import Cancellation
from tts_server.engines.base import BuiltinEngine, Engine, SpeechStream, VoiceConverter
from tts_server.engines.cluster.messages import BuiltinVoice, ClipVoice, End, EngineFacts, Failure, Item, Order, Piece, VoiceHandle
from tts_server.errors import Cancelled, EngineFailure, EngineStuck, TTSError
from tts_server.speech import VoiceReference

log = logging.getLogger(__name__)

MAX_STREAMS = 512
MAX_VOICES = 64

EngineFactory = Callable[[], Engine]


class Replica:
    """Runs an engine for streaming calls. Each method is an asynchronous generator of items; the last one is an End or a Failure.

    `create` returns the engine, `version` identifies what it was created from. Serve calls the methods in one event loop; a thread for
    each stream waits for the engine's chunks.
    """

    def __init__(self, create: EngineFactory, version: str) -> None:
        self._engine = create()
        self._version = version
        self._id = serve.get_replica_context().replica_id.unique_id
        self._threads = ThreadPoolExecutor(MAX_STREAMS, thread_name_prefix="stream")
        self._voices = PreparedVoices(self._engine)

    def check_health(self) -> None:
        """Raise where the engine cannot be used again: Serve then replaces this replica."""
        if getattr(self._engine, "is_broken", False):
            raise RuntimeError("The engine has failed.")

    async def describe(self, _order: Order) -> AsyncIterator[Item]:
        """Return the facts of the engine."""
        engine = self._engine
        voices = tuple(engine.voices())
        yield self._end(result=EngineFacts(engine.capabilities, engine.num_parallel, engine.version, voices, self._version))

    async def prepare(self, order: Order) -> AsyncIterator[Item]:
        """Prepare a voice, so that speech with it begins at once."""
        async for item in self._run(lambda *_: self._prepare(order)):
            yield item

    async def reference(self, order: Order) -> AsyncIterator[Item]:
        """Return the clip of a built-in voice."""
        voice_id = cast(BuiltinVoice, order.voice).id
        async for item in self._run(lambda *_: self._end(result=cast(BuiltinEngine, self._engine).reference(voice_id))):
            yield item

    async def speak(self, order: Order) -> AsyncIterator[Item]:
        """Synthesise an utterance, or convert a recording."""
        async for item in self._run(lambda cancellation, put: self._speak(order, cancellation, put)):
            yield item

    async def _run(self, work: Callable[[Cancellation, Callable[[Item], None]], Item]) -> AsyncIterator[Item]:
        """Yield what `work` puts while it runs in a thread, and then what it returns. Cancelling the call cancels the work."""
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Item] = asyncio.Queue()
        cancellation = Cancellation()

        def put(item: Item) -> None:
            loop.call_soon_threadsafe(items.put_nowait, item)

        def run() -> None:
            try:
                cancellation.check()
                put(work(cancellation, put))
            except Cancelled:
                pass
            except TTSError as error:
                is_broken = getattr(self._engine, "is_broken", False) and not isinstance(error, EngineStuck)
                put(Failure.of(error, is_replica_broken=is_broken))
            except Exception:
                log.exception("a call of the replica has failed")
                put(Failure.of(EngineFailure("The engine could not speak this text.")))

        self._threads.submit(run)
        try:
            while isinstance(item := await items.get(), Piece):
                yield item
            yield item
        finally:
            cancellation.cancel()

    def _prepare(self, order: Order) -> Item:
        self._voices.get(cast(VoiceHandle, order.voice))
        return self._end()

    def _speak(self, order: Order, cancellation: Cancellation, put: Callable[[Item], None]) -> Item:
        stream = self._submit(order)
        try:
            for samples in stream.chunks(cancellation):
                put(Piece(samples, stream.retries, self._engine.version))
        finally:
            stream.close()
        return self._end(retries=stream.retries)

    def _submit(self, order: Order) -> SpeechStream:
        voice = self._voices.get(cast(VoiceHandle, order.voice))
        utterance = order.utterance
        if utterance is None:
            source: VoiceReference = ray.get(order.source)
            return cast(VoiceConverter, self._engine).convert(source, voice, order.seed)
        return self._engine.submit(replace(utterance, voice=voice))

    def _end(self, *, retries: int = 0, result: EngineFacts | VoiceReference | None = None) -> End:
        return End(self._id, {**self._engine.stats(), "clips_received": self._voices.num_clips}, retries, result)


class PreparedVoices:
    """The voices that an engine has prepared, each once, however many threads ask for it. Thread-safe."""

    def __init__(self, engine: Engine, capacity: int = MAX_VOICES) -> None:
        self._engine = engine
        self._capacity = capacity
        self._lock = threading.Lock()
        self._voices: OrderedDict[str, Future[Any]] = OrderedDict()  # guarded by the lock
        self.num_clips = 0  # written with the lock held

    def get(self, voice: VoiceHandle) -> Any:
        """Return the engine's form of a voice. The first thread prepares it and the others wait; raises InvalidReference."""
        if not isinstance(voice, ClipVoice):
            return self._engine.builtin_voice(voice.id)
        with self._lock:
            future = self._voices.get(voice.key)
            is_first = future is None
            if future is None:
                future = self._voices[voice.key] = Future()
                self.num_clips += 1
            self._voices.move_to_end(voice.key)
            while len(self._voices) > self._capacity:
                self._voices.popitem(last=False)
        if is_first:
            self._prepare(voice, future)
        return future.result()

    def _prepare(self, voice: ClipVoice, future: Future[Any]) -> None:
        try:
            clip: VoiceReference = ray.get(voice.clip)
            future.set_result(self._engine.prepare_voice(clip, norm_loudness=voice.norm_loudness, keep=voice.keep))
        except BaseException as error:
            with self._lock:
                if self._voices.get(voice.key) is future:
                    del self._voices[voice.key]
            future.set_exception(error)
