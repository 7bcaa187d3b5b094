"""Signals that stop the server: Ctrl-C, SIGTERM, a closed terminal, and the console events of Windows."""

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
"""Console events of Windows: the window is closed, the user logs off, the machine is shut down."""

CONSOLE_SECONDS = 2.0
"""Windows ends the process five seconds after such an event."""


class StopSignals:
    """Calls `stop` at the first signal, with the seconds that remain or None; the second signal ends the process at once."""

    def __init__(self, stop: Callable[[float | None], None]) -> None:
        self._stop = stop
        self._is_stopping = False
        # The system calls it by its address, so it must not be garbage-collected.
        self._console_handler: Any = None

    def listen(self) -> None:
        """Install the handlers. Call from the main thread."""
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
                signal.signal(number, self._handle)
        if sys.platform == "win32":
            self._listen_to_console()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            os._exit(128 + number)
        self._is_stopping = True
        self._stop(None)

    if sys.platform == "win32":

        def _listen_to_console(self) -> None:
            """Handle console events, which Python does not turn into signals.

            The system calls the handler in a thread of its own, and ends the process when the handler returns.
            """
            import ctypes
            from ctypes import wintypes

            def handle(event: int) -> bool:
                if event in CLOSE_EVENTS:
                    self._stop(CONSOLE_SECONDS)
                    threading.Event().wait(2 * CONSOLE_SECONDS)  # the main thread ends the process earlier
                return event in CLOSE_EVENTS

            self._console_handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
            ctypes.windll.kernel32.SetConsoleCtrlHandler(self._console_handler, True)
