// Messages between tabs with this page: one tab plays at a time, and all show the same history.

const channel = "BroadcastChannel" in window ? new BroadcastChannel("parlance") : null;
const listeners = new Map(); // name -> functions

channel?.addEventListener("message", (event) => {
  for (const listener of listeners.get(event.data) ?? []) listener();
});

// Calls `listener` when another tab announces `name`.
export function onAnnounced(name, listener) {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
}

export function announce(name) {
  channel?.postMessage(name);
}
