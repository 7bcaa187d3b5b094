"""One run over one model: what was checked, measured and spoken."""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.acceptance.checks import Check, Needs, Threshold, Verdict
from benchmarks.acceptance.recognizer import Recognizer
from benchmarks.acceptance.scale import Scale
from benchmarks.acceptance.similarity import SpeakerEncoder
from benchmarks.acceptance.subject import Spoken, Subject
from tts_server.audio.encoders import create_encoder
from tts_server.speech import AudioFormat, Samples


@dataclass
class Session:
    """What the parts share. `say` gets a line of progress; audio is written below `output`."""

    subject: Subject
    scale: Scale
    output: Path
    recognizer: Recognizer
    speakers: SpeakerEncoder
    say: Callable[[str], None]
    part: str = ""
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    spoken: list[Spoken] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def begin(self, part: str, thresholds: Mapping[str, Threshold]) -> None:
        """Following checks belong to this part."""
        self.part, self.thresholds = part, thresholds
        self.say(f"{self.subject.family.id}: {part}")

    def judge(self, name: str, figure: float, label: str = "") -> None:
        """Hold a figure against the part's threshold of this name; `label` tells several figures apart."""
        threshold = self.thresholds[name]
        self.note(f"{name} {label}".strip(), figure)
        if self._is_meant(threshold.needs):
            verdict, reason = (Verdict.PASS if threshold.is_met(figure) else Verdict.FAIL), ""
        else:
            verdict, reason = Verdict.NOT_JUDGED, f"needs {threshold.needs.value}"
        self._add(threshold, label, threshold.format(figure), verdict, reason)

    def skip(self, name: str, reason: str, label: str = "") -> None:
        """List a threshold that cannot be judged here, and why."""
        self._add(self.thresholds[name], label, "-", Verdict.NOT_JUDGED, reason)

    def skip_all(self, reason: str) -> None:
        """List all thresholds of the part as not judged."""
        for name in self.thresholds:
            self.skip(name, reason)

    def fail(self, error: BaseException) -> None:
        """List that the part broke off with an exception."""
        trace = "".join(traceback.format_exception(error))
        self.note("error", trace)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        self.checks.append(Check(self.subject.family.id, self.part, "the part runs to its end", "-", "yes", Verdict.FAIL, reason))

    def note(self, name: str, value: Any) -> None:
        """Keep a figure for `report.json`."""
        self.figures.setdefault(self.part, {})[name] = value

    def speak(self, name: str, text: str, *, subject: Subject | None = None, **options: Any) -> Spoken:
        """Speak a text (`Subject.speak`), keep it, and write its audio as a WAV with `name` in its name."""
        spoken = (subject or self.subject).speak(text, **options)
        self.spoken.append(spoken)
        self.save(name, spoken.samples, spoken.sample_rate)
        return spoken

    def save(self, name: str, samples: Samples, sample_rate: int) -> Path:
        """Write audio of the model as a WAV file of 16 bits; its watermark is looked for later."""
        folder = self.output / self.subject.family.id
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{next(self._numbers):03d} {re.sub(r'[^a-z0-9]+', '-', f'{self.part} {name}'.lower()).strip('-')}.wav"
        encoder = create_encoder(AudioFormat.WAV, sample_rate, streamed=False)
        path.write_bytes(encoder.encode(samples) + encoder.flush())
        self.files.append(path)
        return path

    def _is_meant(self, needs: Needs) -> bool:
        loading = self.subject.loading
        return not (loading.is_random if needs is Needs.TRAINED_WEIGHTS else loading.is_tiny if needs is Needs.FULL_SIZE else False)

    def _add(self, threshold: Threshold, label: str, measured: str, verdict: Verdict, reason: str) -> None:
        words = f"{threshold.words} ({label})" if label else threshold.words
        self.checks.append(Check(self.subject.family.id, self.part, words, measured, threshold.limit, verdict, reason))
