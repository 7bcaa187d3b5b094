"""The check of the embedded voice for `doctor`."""

from __future__ import annotations

from tts_server.engines.package import PROGRAM
from tts_server.finding import Finding

REPAIR = f"{PROGRAM} repair"


def check_voice() -> Finding:
    """Check that the embedded voice speaks a word."""
    try:
        # Here, so that a package that does not load is reported too.
        from tts_server.cancellation import Cancellation
        from tts_server.engines.base import Utterance
        from tts_server.engines.embedded.engine import EmbeddedEngine

        engine = EmbeddedEngine(1)
        try:
            voice = engine.builtin_voice(engine.voices()[0].id)
            stream = engine.submit(Utterance("Hello.", voice, index=0, seed=0, tempo=1.0, language="en", controls={}))
            chunks = list(stream.chunks(Cancellation()))
        finally:
            engine.close()
        seconds = sum(len(chunk) for chunk in chunks) / engine.capabilities.sample_rate
        loudest = max((float(abs(chunk).max()) for chunk in chunks if len(chunk)), default=0.0)
    except Exception as error:  # any failure is reported; the other checks still run
        reason = error.__cause__ or error
        return Finding("Embedded voice", False, f"does not speak: {type(reason).__name__}: {reason}", REPAIR, needed=True)
    if not loudest > 0.01:
        return Finding("Embedded voice", False, "speaks only silence", REPAIR, needed=True)
    return Finding("Embedded voice", True, f'said "Hello." in {seconds:.1f} s of audio', needed=True)
