// The text in a file, whatever its encoding.

function strictly(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

// Returns the text of `bytes` (a Uint8Array): UTF-8, or UTF-16 with a byte order mark; else the legacy encoding that is usual for
// `language` ("en", "zh"). Returns null if the bytes are not text.
export function decodeText(bytes, language) {
  let text = null;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) text = new TextDecoder("utf-16le").decode(bytes);
  else if (bytes[0] === 0xfe && bytes[1] === 0xff) text = new TextDecoder("utf-16be").decode(bytes);
  text ??= strictly("utf-8", bytes) ?? (language === "zh" ? strictly("gb18030", bytes) : null);
  text ??= new TextDecoder("windows-1252").decode(bytes);
  return text.includes("\0") ? null : text;
}
