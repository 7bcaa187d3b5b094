"""The thirteen voices of OpenAI's API, each as a distinct shape of the hibari voice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tts_server.engines.embedded.shape import VoiceShape


@dataclass(frozen=True)
class Persona:
    """A built-in voice: `gender` is `female` or `male`, `description` a few words for the voice list."""

    id: str
    name: str
    gender: str
    description: str
    shape: VoiceShape


_ALL = (
    Persona("alloy", "Alloy", "female", "Clear and balanced; the network's own voice.", VoiceShape()),
    Persona(
        "ash",
        "Ash",
        "male",
        "Level and matter-of-fact.",
        VoiceShape(
            pitch_scale=0.71,
            pitch_spread=0.85,
            envelope_stretch=0.865,
            first_formant_stretch=1.05,
            tilt_db=-1.4,
            bands_db=(-0.6, -1.0, 0.8, 3.4, 0.2, -3.4, -3.8, -1.0, 2.2, 1.8, 1.5),
        ),
    ),
    Persona(
        "ballad",
        "Ballad",
        "male",
        "Warm and unhurried, a storyteller.",
        VoiceShape(
            pitch_scale=0.633,
            pitch_spread=0.95,
            envelope_stretch=0.845,
            first_formant_stretch=1.035,
            tilt_db=0.4,
            bands_db=(-3.6, 1.8, 4.0, 1.0, -2.4, -0.7, 2.3, 1.5, 0.8, -0.4, -3.8),
            breath_db=4.0,
            tempo=0.97,
        ),
    ),
    Persona(
        "coral",
        "Coral",
        "female",
        "Bright and energetic.",
        VoiceShape(
            pitch_scale=1.18,
            pitch_spread=1.15,
            envelope_stretch=0.915,
            first_formant_stretch=1.02,
            tilt_db=0.4,
            bands_db=(0.6, -2.9, -2.9, -3.0, -0.3, 3.1, 1.5, 0.8, 2.2, 1.3, -0.3),
            breath_db=-1.5,
            tempo=1.05,
        ),
    ),
    Persona(
        "echo",
        "Echo",
        "male",
        "Low and close, with a clear edge.",
        VoiceShape(
            pitch_scale=0.56,
            pitch_spread=1.05,
            envelope_stretch=0.955,
            first_formant_stretch=1.06,
            tilt_db=-0.1,
            bands_db=(3.4, 0.8, -2.8, -3.9, -3.4, -2.1, 0.8, 4.4, 4.3, 0.1, -1.6),
            breath_db=4.5,
        ),
    ),
    Persona(
        "fable",
        "Fable",
        "male",
        "Lively, with a wide melody.",
        VoiceShape(
            pitch_scale=0.57,
            pitch_spread=1.4,
            envelope_stretch=0.945,
            tilt_db=0.5,
            bands_db=(-2.5, -1.5, 3.7, 4.5, 1.5, -0.2, -3.1, -4.6, -2.3, 1.3, 2.9),
            breath_db=3.0,
            tempo=1.07,
        ),
    ),
    Persona(
        "onyx",
        "Onyx",
        "male",
        "Deep and calm.",
        VoiceShape(
            pitch_scale=0.505,
            pitch_spread=0.9,
            envelope_stretch=0.895,
            first_formant_stretch=0.985,
            tilt_db=-1.4,
            bands_db=(4.6, -0.4, 0.5, 3.4, 1.1, -1.8, -2.9, -0.9, 1.4, -1.0, -3.0),
            tempo=0.95,
        ),
    ),
    Persona(
        "nova",
        "Nova",
        "female",
        "Young and quick, held in an even melody.",
        VoiceShape(
            pitch_scale=1.24,
            pitch_spread=0.8,
            envelope_stretch=1.09,
            first_formant_stretch=1.05,
            tilt_db=-1.6,
            bands_db=(-0.9, -1.3, -2.1, -1.5, 0.8, 3.0, 3.9, 2.2, -0.1, -1.2, -2.7),
            breath_db=3.5,
            tempo=1.06,
        ),
    ),
    Persona(
        "sage",
        "Sage",
        "female",
        "Gentle and thoughtful, a little lower.",
        VoiceShape(
            pitch_scale=0.925,
            pitch_spread=0.95,
            envelope_stretch=1.1,
            first_formant_stretch=1.03,
            tilt_db=1.1,
            bands_db=(-1.0, -0.6, -0.2, 1.0, 2.2, 0.8, -0.1, 0.7, -0.5, -1.8, -0.6),
            breath_db=4.0,
        ),
    ),
    Persona(
        "shimmer",
        "Shimmer",
        "female",
        "Soft and high, with much melody.",
        VoiceShape(
            pitch_scale=1.24,
            pitch_spread=1.25,
            envelope_stretch=0.955,
            first_formant_stretch=0.95,
            tilt_db=-1.6,
            bands_db=(3.5, 2.7, 0.4, 0.5, -0.1, -0.1, -1.5, -2.4, 0.2, -1.2, -2.5),
            breath_db=3.0,
            tempo=0.98,
        ),
    ),
    Persona(
        "verse",
        "Verse",
        "male",
        "Light and articulate.",
        VoiceShape(
            pitch_scale=0.75,
            pitch_spread=1.0,
            envelope_stretch=0.825,
            first_formant_stretch=0.955,
            tilt_db=-0.9,
            bands_db=(-4.1, -3.1, -3.7, -3.8, -0.5, 1.0, 1.0, 3.5, 4.3, 3.1, 2.4),
            breath_db=2.5,
        ),
    ),
    Persona(
        "marin",
        "Marin",
        "female",
        "Open and relaxed.",
        VoiceShape(
            pitch_scale=1.1,
            pitch_spread=1.15,
            envelope_stretch=0.985,
            first_formant_stretch=1.02,
            tilt_db=-1.6,
            bands_db=(-4.2, 1.4, 5.4, 3.6, -2.5, -1.3, 4.9, 1.1, -5.4, -3.9, 0.8),
            tempo=0.95,
        ),
    ),
    Persona(
        "cedar",
        "Cedar",
        "male",
        "Dark and steady.",
        VoiceShape(
            pitch_scale=0.72,
            pitch_spread=0.8,
            envelope_stretch=0.835,
            tilt_db=-0.9,
            bands_db=(3.4, 2.5, -1.5, -0.3, 3.6, 0.1, -2.9, -2.0, -1.5, -1.4, -0.1),
            breath_db=-1.0,
        ),
    ),
)

PERSONAS: Mapping[str, Persona] = {persona.id: persona for persona in _ALL}
"""By id, in the order in which they are listed; the first is the default."""
