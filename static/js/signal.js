// A list of listeners: `on(listener)` adds one and returns a function that removes it, `emit(...values)` calls all.
export function signal() {
  const listeners = new Set();
  return {
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(...values) {
      for (const listener of listeners) listener(...values);
    },
  };
}
