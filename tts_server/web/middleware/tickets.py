"""The queue in the web layer: headers of replies, pauses while a request waits for other systems, and the queue position."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from flask import Blueprint, Flask, Response, jsonify, request

from tts_server.admission import Admission, Ticket
from tts_server.web.policy import READING
from tts_server.wsgi import PAUSE, TICKET, Pause


def current_ticket() -> Ticket | None:
    """Return the ticket of the current request, None if it has none."""
    ticket = request.environ.get(TICKET)
    return ticket if isinstance(ticket, Ticket) else None


def paused() -> AbstractContextManager[None]:
    """Return a context in which the current request holds neither a slot nor a thread.

    At its end the request waits for a slot, ahead of requests that have not begun. Raises Cancelled, or Busy if the server stops.
    """
    pause: Pause | None = request.environ.get(PAUSE)
    return nullcontext() if pause is None else pause()


def install_tickets(app: Flask) -> None:
    """Add the headers with the queue position and the waiting time to replies."""

    @app.after_request
    def add_wait(response: Response) -> Response:
        ticket = current_ticket()
        if ticket is not None and ticket.has_begun:
            response.headers["X-Queue-Position"] = str(ticket.position)
            response.headers["X-Queue-Wait"] = str(round(ticket.waited * 1000))
        return response


def queue_routes(admission: Admission) -> Blueprint:
    routes = Blueprint("queue", __name__)

    @routes.get("/v1/queue/<request_id>", policy=READING)
    def show_position(request_id: str) -> Response:
        """The queue position of the request with this `x-request-id`."""
        found = admission.position(request_id)
        position, seconds = found or (0, 0.0)
        response = jsonify({"waiting": found is not None, "position": position, "estimated_seconds": round(seconds, 3)})
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes
