// The history in IndexedDB: `entries` has descriptions, `audio` has samples and clips. Its number and size are limited.

const NAME = "parlance";
export const MOST_ENTRIES = 20;
export const MOST_BYTES = 100_000_000;

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("audio", { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  return opened;
}

function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function transaction(mode, work) {
  const database = await open();
  const both = database.transaction(["entries", "audio"], mode);
  const finished = new Promise((resolve, reject) => {
    both.oncomplete = resolve;
    both.onerror = both.onabort = () => reject(both.error);
  });
  const result = await work(both.objectStore("entries"), both.objectStore("audio"));
  await finished;
  return result;
}

// All entries, newest first.
export async function listEntries() {
  return transaction("readonly", async (entries) => (await resultOf(entries.getAll())).reverse());
}

// Adds a result, and removes the oldest ones to stay within the limits. Resolves to {id, removed}: the number removed; `id` is null for a result
// that exceeds the limit by itself, which is not added.
export async function addEntry(entry, samples, clip) {
  const bytes = samples.byteLength + (clip?.size ?? 0);
  if (bytes > MOST_BYTES) return { id: null, removed: 0 };
  return transaction("readwrite", async (entries, audio) => {
    let removed = 0;
    const stored = await resultOf(entries.getAll());
    let room = MOST_BYTES - bytes - stored.reduce((sum, other) => sum + other.bytes, 0);
    while (stored.length >= MOST_ENTRIES || room < 0) {
      const oldest = stored.shift();
      room += oldest.bytes;
      entries.delete(oldest.id);
      audio.delete(oldest.id);
      removed++;
    }
    const id = await resultOf(entries.add({ ...entry, bytes }));
    audio.add({ id, samples, clip });
    return { id, removed };
  });
}

// {samples, clip} of an entry; undefined if it was removed.
export async function readAudio(id) {
  return transaction("readonly", (_, audio) => resultOf(audio.get(id)));
}

// Restores a deleted entry with the result of readAudio().
export async function restoreEntry(entry, audio_) {
  await transaction("readwrite", (entries, audio) => {
    entries.put(entry);
    audio.put(audio_);
  });
}

export async function deleteEntry(id) {
  await transaction("readwrite", (entries, audio) => {
    entries.delete(id);
    audio.delete(id);
  });
}

export async function clearEntries() {
  await transaction("readwrite", (entries, audio) => {
    entries.clear();
    audio.clear();
  });
}
