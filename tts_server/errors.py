"""All errors that reach a client, each with a status, a code and a message.

TTSError
├── InvalidRequest        400  a value is invalid; `param` names it
│   ├── NothingToSay      400  the text has nothing to speak
│   ├── UnsupportedText   400  the voice does not support this script
│   ├── AudioTooLong      400  the audio would exceed the limits of one reply
│   └── InvalidReference  400  the reference clip cannot be used; the message gives the measured reason
├── Unauthorized          401
├── Forbidden             403
├── NotFound              404
│   ├── VoiceNotFound     404
│   └── ModelNotFound     404
├── Conflict              409  not possible in the current state
├── TooLarge              413
├── UnsupportedAudio      415
├── RateLimited           429  too many requests; try again after `retry_after` seconds
├── Unavailable           503  try again after `retry_after` seconds
│   ├── Busy              503  a queue or another limit is full
│   ├── EngineStuck       503  the engine made no progress and was restarted
│   ├── ResourceExhausted 503  the machine has no memory, disk space or open files left
│   ├── ModelNotAvailable 503  not installed, or it could not be loaded
│   └── ModelLoading      503  being downloaded or loaded
└── EngineFailure         500
"""

from __future__ import annotations

import errno


class Cancelled(Exception):
    """The client has disconnected or cancelled its request. Not a TTSError, since no reply is sent."""


_EXHAUSTED = {
    **dict.fromkeys((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG), "disk space"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "open files"),
    errno.ENOMEM: "memory",
}
"""Resources that a machine may run out of, by error number."""


class TTSError(Exception):
    """Base of all errors that reach a client: a status, a code and a message."""

    status = 500
    code = "server_error"
    type = "server_error"
    retry_after: float | None = None
    is_retryable = True
    """Whether the same request may succeed soon. If not, the reply has the header `x-should-retry: false`."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code


class InvalidRequest(TTSError):
    status = 400
    code = "invalid_value"
    type = "invalid_request_error"


class NothingToSay(InvalidRequest):
    code = "nothing_to_say"


class UnsupportedText(InvalidRequest):
    code = "unsupported_text"


class AudioTooLong(InvalidRequest):
    code = "audio_too_long"


class InvalidReference(InvalidRequest):
    code = "invalid_reference_audio"


class Unauthorized(TTSError):
    status = 401
    code = "invalid_api_key"
    type = "authentication_error"


class Forbidden(TTSError):
    status = 403
    code = "forbidden"
    type = "permission_error"


class NotFound(TTSError):
    status = 404
    code = "not_found"
    type = "invalid_request_error"


class VoiceNotFound(NotFound):
    code = "voice_not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class Conflict(TTSError):
    status = 409
    code = "conflict"
    type = "invalid_request_error"


class TooLarge(TTSError):
    status = 413
    code = "too_large"
    type = "invalid_request_error"


class UnsupportedAudio(TTSError):
    status = 415
    code = "unsupported_audio"
    type = "invalid_request_error"


class RateLimited(TTSError):
    status = 429
    code = "rate_limit_exceeded"
    type = "rate_limit_error"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(TTSError):
    status = 503
    code = "unavailable"
    retry_after = 2.0


class Busy(Unavailable):
    code = "busy"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ResourceExhausted(Unavailable):
    """The machine has no more of a resource. `what` names it; `advice` is a sentence for the client."""

    code = "out_of_room"
    retry_after = 10.0

    def __init__(self, what: str, advice: str = "Try again later.") -> None:
        super().__init__(f"The server has no {what} left for this request. {advice}")


def resource_exhausted(error: OSError | MemoryError) -> ResourceExhausted | None:
    """Return the error for clients if the machine ran out of a resource; None for other errors."""
    what = "memory" if isinstance(error, MemoryError) else _EXHAUSTED.get(error.errno or 0)
    return None if what is None else ResourceExhausted(what)


class EngineStuck(Unavailable):
    """The engine made no progress. Not retryable: the same text may block the engine again."""

    code = "engine_stuck"
    is_retryable = False

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} made no progress for {seconds:g} seconds and was restarted. Try again, or with another text.")


class ModelNotAvailable(Unavailable):
    code = "model_not_available"
    retry_after = 30.0
    is_retryable = False


class ModelLoading(Unavailable):
    code = "model_loading"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, param="model")
        self.retry_after = retry_after


class EngineFailure(TTSError):
    code = "engine_failure"
