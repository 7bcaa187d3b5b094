// The kind of a file: a reference clip, or a text.

const AUDIO = "wav wave mp3 flac ogg oga opus m4a m4b aac webm mp4 mov mka mkv aif aiff aifc au caf amr 3gp w64 wma".split(" ");
const TEXT = "txt text md markdown mdown rst log srt vtt html htm xhtml csv tex".split(" ");

// "audio", "epub", "text" or null for any other kind. The extension takes precedence: browsers have types for few text files.
export function kindOf({ name = "", type = "" }) {
  const ending = /\.([^.]+)$/.exec(name.toLowerCase())?.[1];
  if (AUDIO.includes(ending)) return "audio";
  if (TEXT.includes(ending)) return "text";
  if (ending === "epub" || type === "application/epub+zip") return "epub";
  if (/^(audio|video)\//.test(type)) return "audio";
  return /^text\//.test(type) || type === "application/x-subrip" ? "text" : null;
}
