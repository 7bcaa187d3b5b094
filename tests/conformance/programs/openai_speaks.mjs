// OpenAI's SDK for JavaScript: every format, streams, events, lists and errors.
import OpenAI, { APIError } from "openai";
import { writeFile } from "node:fs/promises";

const client = new OpenAI({ baseURL: `${process.env.SERVER}/v1`, apiKey: "not-needed", maxRetries: 0 });
const told = { formats: {}, errors: {} };

for (const response_format of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
  const reply = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "From JavaScript.", response_format });
  told.formats[response_format] = reply.headers.get("content-type");
  await writeFile(`speech.${response_format}`, Buffer.from(await reply.arrayBuffer()));
}

const streamed = await client.audio.speech.create({
  model: "gpt-4o-mini-tts", voice: "marin", instructions: "Calmly.", input: "Piece by piece. As it is made.", response_format: "pcm", stream: true,
});
const pieces = [];
for await (const piece of streamed.body) pieces.push(piece);
await writeFile("streamed.pcm", Buffer.concat(pieces));

const events = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "ash", input: "As events.", stream_format: "sse" });
const lines = (await events.text()).split("\n").filter(Boolean);
const parsed = lines.map((line) => JSON.parse(line.replace(/^data: /, "")));
told.last = parsed.at(-1).type;
const deltas = parsed.filter((event) => event.type === "speech.audio.delta").map((event) => Buffer.from(event.audio, "base64"));
await writeFile("events.mp3", Buffer.concat(deltas));

told.models = [];
for await (const model of client.models.list()) told.models.push(model.id);

for (const [name, fields] of Object.entries({ voice: { voice: "nobody" }, speed: { voice: "alloy", speed: 9 } })) {
  try {
    await client.audio.speech.create({ model: "tts-1", input: "No.", ...fields });
  } catch (error) {
    told.errors[name] = { class: error.constructor.name, status: error.status, param: error.param, isApi: error instanceof APIError, id: error.requestID };
  }
}
console.log(JSON.stringify(told));
