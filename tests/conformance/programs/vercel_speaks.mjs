// Vercel's AI SDK with its OpenAI provider.
import { createOpenAI } from "@ai-sdk/openai";
import { experimental_generateSpeech as generateSpeech } from "ai";
import { writeFile } from "node:fs/promises";

const openai = createOpenAI({ baseURL: `${process.env.SERVER}/v1`, apiKey: "not-needed" });
const told = { media: {} };

for (const outputFormat of [undefined, "wav", "opus", "flac", "aac"]) {
  const { audio } = await generateSpeech({ model: openai.speech("gpt-4o-mini-tts"), voice: "coral", text: "From the AI SDK.", outputFormat });
  const name = outputFormat ?? "mp3";
  told.media[name] = [audio.mediaType, audio.format];
  await writeFile(`vercel.${name}`, audio.uint8Array);
}

try {
  await generateSpeech({ model: openai.speech("tts-1"), voice: "nobody", text: "No.", maxRetries: 0 });
} catch (error) {
  told.error = { message: error.message, status: error.statusCode };
}
console.log(JSON.stringify(told));
