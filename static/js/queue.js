// The position of a request in the server's queue, and the estimated waiting time.

import { requestJson } from "./api.js";

const PATIENCE = 700; // milliseconds; most requests are answered earlier
const PAUSE = 1_000;

// An id for a request, by which its position can be requested. `crypto.randomUUID` does not exist on plain http.
export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Calls `onChange({position, estimated_seconds})` while the request waits, and `onChange(null)` when it has left the queue. Returns a function
// that ends this.
export function watchPosition(id, onChange) {
  let timer = setTimeout(look, PATIENCE);
  let isOver = false;
  let hasWaited = false;

  async function look() {
    try {
      const place = await requestJson(`v1/queue/${id}`);
      if (isOver) return;
      if (place.waiting) onChange(place);
      else if (hasWaited) onChange(null);
      hasWaited = place.waiting;
    } catch {
      // The request itself reports the error.
    }
    if (!isOver) timer = setTimeout(look, PAUSE);
  }

  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
