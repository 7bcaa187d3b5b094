"""How the system tells a server to stop: Ctrl-C, SIGTERM, a terminal that goes away, and the console window of Windows."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

CLOSE_EVENTS = (2, 5, 6)
"""Of a console of Windows: its window is closed, its user logs off, the machine is shut down."""

CONSOLE_SECONDS = 2.0
"""Windows ends the process five seconds after such an event."""


class StopSignals:
    """Calls `stop` at the first signal, with the seconds that there are, or None; the second one ends the process at once.

    `listen` is for the main thread.
    """

    def __init__(self, stop: Callable[[float | None], None]) -> None:
        self._stop = stop
        self._is_told = False
        self._console_handler: Any = None
        """The system calls it by its address, so it has to stay."""

    def listen(self) -> None:
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
                signal.signal(number, self._hear)
        if sys.platform == "win32":
            self._listen_to_console()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._is_told:
            os._exit(128 + number)
        self._is_told = True
        self._stop(None)

    if sys.platform == "win32":

        def _listen_to_console(self) -> None:
            """Python has no signals for these events. The system calls from a thread of its own, and ends the process when that returns."""
            import ctypes
            from ctypes import wintypes

            def hear(event: int) -> bool:
                if event in CLOSE_EVENTS:
                    self._stop(CONSOLE_SECONDS)
                    threading.Event().wait(2 * CONSOLE_SECONDS)  # the main thread ends the process before
                return event in CLOSE_EVENTS

            self._console_handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(hear)
            ctypes.windll.kernel32.SetConsoleCtrlHandler(self._console_handler, True)
