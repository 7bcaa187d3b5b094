"""The queue, as requests see it: what their replies say of it, and a pause while they wait for something outside of this server."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from flask import Blueprint, Flask, Response, jsonify, request

from tts_server.admission import Admission, Ticket
from tts_server.web.policy import READING
from tts_server.wsgi import PAUSE, TICKET, Pause


def current_ticket() -> Ticket | None:
    """Return the ticket of the request that is being answered."""
    ticket = request.environ.get(TICKET)
    return ticket if isinstance(ticket, Ticket) else None


def paused() -> AbstractContextManager[None]:
    """A context in which the current request holds neither a slot nor a thread that others need.

    Afterwards it waits for a slot, before all that have not begun; that raises Cancelled, or Busy where the server stops.
    """
    pause: Pause | None = request.environ.get(PAUSE)
    return nullcontext() if pause is None else pause()


def install_tickets(app: Flask) -> None:
    """Let replies say where their requests were in the queue, and for how long."""

    @app.after_request
    def describe_wait(response: Response) -> Response:
        ticket = current_ticket()
        if ticket is not None and ticket.has_begun:
            response.headers["X-Queue-Position"] = str(ticket.position)
            response.headers["X-Queue-Wait"] = str(round(ticket.waited * 1000))
        return response


def queue_routes(admission: Admission) -> Blueprint:
    routes = Blueprint("queue", __name__)

    @routes.get("/v1/queue/<request_id>", policy=READING)
    def show_position(request_id: str) -> Response:
        """Where a request is in the queue that was sent with this `x-request-id` and is not answered yet."""
        found = admission.position(request_id)
        position, seconds = found or (0, 0.0)
        response = jsonify({"waiting": found is not None, "position": position, "estimated_seconds": round(seconds, 3)})
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes
