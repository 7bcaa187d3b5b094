"""Exits with 0 if the server in this container answers `/health` with 200, else with 1."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_SECONDS = 4.0


def main() -> int:
    port = int(os.environ.get("PORT") or os.environ.get("SERVICE_PORT") or 5093)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"/health does not answer: {error}")
        return 1
    finally:
        connection.close()
    print(f"/health answers {status}")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
