"""Everything that can go wrong in words a user can act on.

TTSError
├── InvalidRequest        400  a value is wrong, and `param` says which
│   ├── NothingToSay      400  the text leaves nothing to speak
│   ├── UnsupportedText   400  the voice cannot speak this script
│   └── InvalidReference  400  the reference clip cannot be used, with the measured reason
├── Unauthorized          401
├── Forbidden             403
├── NotFound              404
│   ├── VoiceNotFound     404
│   └── ModelNotFound     404
├── Conflict              409  not possible in the present state
├── TooLarge              413
├── UnsupportedAudio      415
├── Unavailable           503  try again later; `retry_after` seconds
│   ├── ModelNotAvailable 503  known, but not installed, or it could not be loaded
│   └── ModelLoading      503  being downloaded or loaded
└── EngineFailure         500
"""

from __future__ import annotations


class Cancelled(Exception):
    """The client is gone; nobody waits for the rest. Not an error, so not of the family."""


class TTSError(Exception):
    """Base of all errors that reach a client: a status, a code and a sentence."""

    status = 500
    code = "server_error"
    type = "server_error"
    retry_after: float | None = None
    is_passing = True
    """Whether the same request may succeed soon; else clients that retry by themselves are told not to."""

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


class Unavailable(TTSError):
    status = 503
    code = "unavailable"
    retry_after = 2.0


class ModelNotAvailable(Unavailable):
    code = "model_not_available"
    retry_after = 30.0
    is_passing = False


class ModelLoading(Unavailable):
    code = "model_loading"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, param="model")
        self.retry_after = retry_after


class EngineFailure(TTSError):
    code = "engine_failure"
