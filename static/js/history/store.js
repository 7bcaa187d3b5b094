// What was made in this browser, in IndexedDB: `entries` describe, `audio` holds samples and clip. Bounded by number and size.

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

function settled(request) {
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

// All entries, the newest first.
export async function listEntries() {
  return transaction("readonly", async (entries) => (await settled(entries.getAll())).reverse());
}

// Adds a result and removes as many of the oldest as its size demands. Resolves to {id, removed}: how many were removed; `id` is null for a result
// that is larger than the whole history may be, and is not added.
export async function addEntry(entry, samples, clip) {
  const bytes = samples.byteLength + (clip?.size ?? 0);
  if (bytes > MOST_BYTES) return { id: null, removed: 0 };
  return transaction("readwrite", async (entries, audio) => {
    let removed = 0;
    const kept = await settled(entries.getAll());
    let room = MOST_BYTES - bytes - kept.reduce((sum, other) => sum + other.bytes, 0);
    while (kept.length >= MOST_ENTRIES || room < 0) {
      const oldest = kept.shift();
      room += oldest.bytes;
      entries.delete(oldest.id);
      audio.delete(oldest.id);
      removed++;
    }
    const id = await settled(entries.add({ ...entry, bytes }));
    audio.add({ id, samples, clip });
    return { id, removed };
  });
}

// {samples, clip} of an entry, undefined where it is gone.
export async function readAudio(id) {
  return transaction("readonly", (_, audio) => settled(audio.get(id)));
}

// Brings back an entry that was deleted, with what readAudio() gave for it.
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
