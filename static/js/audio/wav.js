// WAV files of 16-bit mono samples: reads a stream, writes whole files.

const ascii = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

// Turns bytes into samples as they arrive. `sampleRate` is set after the header.
export class WavReader {
  sampleRate = null;
  #pending = new Uint8Array(0);
  #inData = false;

  // Returns an Int16Array, possibly empty. Throws if the bytes are not 16-bit mono WAV.
  read(bytes) {
    let all = bytes;
    if (this.#pending.length) {
      all = new Uint8Array(this.#pending.length + bytes.length);
      all.set(this.#pending);
      all.set(bytes, this.#pending.length);
    }
    const from = this.#inData ? 0 : this.#readHeader(all);
    if (from === null) {
      this.#pending = all.slice();
      return new Int16Array(0);
    }
    const count = (all.length - from) >> 1;
    this.#pending = all.slice(from + 2 * count);
    return new Int16Array(all.slice(from, from + 2 * count).buffer);
  }

  // Where the samples start, or null while the header is incomplete.
  #readHeader(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length >= 12 && (ascii(bytes, 0) !== "RIFF" || ascii(bytes, 8) !== "WAVE")) throw new Error("not a WAV stream");
    for (let at = 12; at + 8 <= bytes.length; ) {
      const size = view.getUint32(at + 4, true);
      if (ascii(bytes, at) === "data") {
        if (this.sampleRate === null) throw new Error("a WAV stream without a format");
        this.#inData = true;
        return at + 8;
      }
      if (ascii(bytes, at) === "fmt ") {
        if (bytes.length < at + 24) return null;
        if (view.getUint16(at + 10, true) !== 1 || view.getUint16(at + 22, true) !== 16) throw new Error("not 16-bit mono");
        this.sampleRate = view.getUint32(at + 12, true);
      }
      at += 8 + size + (size & 1);
    }
    return null;
  }
}

const le16 = (value) => [value & 255, value >> 8];
const le32 = (value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const letters = (word) => [...word].map((letter) => letter.charCodeAt(0));

// A WAV file as a Blob. Typed arrays are little-endian on all platforms with browsers.
export function wavFile(samples, sampleRate) {
  const size = 2 * samples.length;
  const header = [
    ...letters("RIFF"), ...le32(36 + size), ...letters("WAVEfmt "), ...le32(16), ...le16(1), ...le16(1),
    ...le32(sampleRate), ...le32(2 * sampleRate), ...le16(2), ...le16(16), ...letters("data"), ...le32(size),
  ];
  return new Blob([new Uint8Array(header), samples], { type: "audio/wav" });
}
