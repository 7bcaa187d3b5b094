"""Errors of the client commands, with messages for the terminal."""

from __future__ import annotations


class UsageError(Exception):
    """The options of a command are invalid; the message says what to write instead."""


class NoSpeakers(Exception):
    """This machine cannot play audio; the message says why and what to do."""
