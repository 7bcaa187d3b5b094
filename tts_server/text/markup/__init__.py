"""Markup in a text: tags that mean silence or a sound, and what is removed so that a text reads as a person would read it aloud.

`reader.read_markup` takes markup out. It is not imported here, because the modules that it needs import the tags.
"""

from tts_server.text.markup.tags import MAX_PAUSE, PAUSE_TAG, SOUNDS, pause_seconds, total_pause

__all__ = ["MAX_PAUSE", "PAUSE_TAG", "SOUNDS", "pause_seconds", "total_pause"]
