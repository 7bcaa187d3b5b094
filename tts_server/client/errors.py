"""Why a command of a client cannot be done, in words for the person at the terminal."""

from __future__ import annotations


class UsageError(Exception):
    """The command line asks for something that cannot be; the message says what to write instead."""


class NoSpeakers(Exception):
    """Nothing can be played here; the message says why and what to do."""
