// A request that waits for its turn: which place it has in the server's line, and about how long that takes.

import { requestJson } from "./api.js";

const PATIENCE = 700; // most requests are answered before
const PAUSE = 1_000;

// A name for one request, by which its place can be asked. `crypto.randomUUID` is not there on plain http.
export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Calls `tell({position, estimated_seconds})` while the request waits, and `tell(null)` once it does not any more, until the function that is
// returned is called.
export function watchPlace(id, tell) {
  let timer = setTimeout(look, PATIENCE);
  let isOver = false;
  let hasWaited = false;

  async function look() {
    try {
      const place = await requestJson(`v1/queue/${id}`);
      if (isOver) return;
      if (place.waiting) tell(place);
      else if (hasWaited) tell(null);
      hasWaited = place.waiting;
    } catch {
      // The request itself will tell what is wrong.
    }
    if (!isOver) timer = setTimeout(look, PAUSE);
  }

  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
