"""Pipecat's OpenAI service in a pipeline of its own."""

import asyncio
import json
import os
from pathlib import Path

from pipecat.frames.frames import EndFrame, ErrorFrame, TTSAudioRawFrame, TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.workers.runner import WorkerRunner


class Listener(FrameProcessor):
    """Keeps the audio that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = b""
        self.rates = set()
        self.errors = []

    async def process_frame(self, frame, direction) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.audio += frame.audio
            self.rates.add(frame.sample_rate)
        if isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        await self.push_frame(frame, direction)


async def speak(voice: str) -> Listener:
    service = OpenAITTSService(
        base_url=f"{os.environ['SERVER']}/v1",
        api_key="not-needed",
        settings=OpenAITTSService.Settings(voice=voice, model="gpt-4o-mini-tts"),
    )
    listener = Listener()
    worker = PipelineWorker(Pipeline([service, listener]), params=PipelineParams(audio_out_sample_rate=24000))
    await worker.queue_frames([TTSSpeakFrame("Pipecat hears this sentence."), EndFrame()])
    await WorkerRunner(handle_sigint=False).run(worker)
    return listener


async def main() -> None:
    told = {}
    for voice in ("alloy", "verse"):
        listener = await speak(voice)
        Path(f"{voice}.pcm").write_bytes(listener.audio)
        told[voice] = {"rates": sorted(listener.rates), "errors": listener.errors}
    print(json.dumps(told))


asyncio.run(main())
