// Reads files in a ZIP archive by its central directory: stored or deflated, without encryption, below 4 GB.

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LONGEST_COMMENT = 65_535;

async function inflate(bytes, limit) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      reader.cancel().catch(() => {});
      throw new Error("the archive holds more than is accepted");
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function findEnd(view) {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw new Error("not a ZIP archive");
}

export class ZipFile {
  #bytes;
  #view;
  #entries = new Map(); // name -> {method, isEncrypted, packed, at}
  #left; // bytes that may still be unpacked

  // `limit` is the maximum number of unpacked bytes of all reads together. Throws if the bytes are not a ZIP archive.
  constructor(bytes, limit) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#left = limit;
    const end = findEnd(this.#view);
    let at = this.#view.getUint32(end + 16, true);
    for (let count = this.#view.getUint16(end + 10, true); count > 0; count--) at = this.#readEntry(at);
  }

  #readEntry(at) {
    const view = this.#view;
    if (view.getUint32(at, true) !== ENTRY) throw new Error("a damaged ZIP archive");
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const name = new TextDecoder().decode(this.#bytes.subarray(at + 46, at + 46 + nameLength));
    this.#entries.set(name, {
      method: view.getUint16(at + 10, true),
      isEncrypted: Boolean(view.getUint16(at + 8, true) & 1),
      packed: view.getUint32(at + 20, true),
      at: view.getUint32(at + 42, true),
    });
    return at + 46 + nameLength + extra + comment;
  }

  has(name) {
    return this.#entries.has(name);
  }

  // Resolves to the bytes of a file; rejects if it is missing, damaged, encrypted or beyond the limit.
  async read(name) {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`the archive holds no ${name}`);
    const { method, isEncrypted, packed, at } = entry;
    if (isEncrypted || (method !== 0 && method !== 8)) throw new Error(`${name} cannot be unpacked`);
    if (this.#view.getUint32(at, true) !== LOCAL) throw new Error("a damaged ZIP archive");
    const from = at + 30 + this.#view.getUint16(at + 26, true) + this.#view.getUint16(at + 28, true);
    const bytes = this.#bytes.subarray(from, from + packed);
    if (bytes.length < packed) throw new Error("a ZIP archive that is cut off");
    const result = method === 0 ? bytes : await inflate(bytes, this.#left);
    this.#left -= result.length;
    if (this.#left < 0) throw new Error("the archive holds more than is accepted");
    return result;
  }
}
