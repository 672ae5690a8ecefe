// npm's openai client against a server of the tiny model; beside node_modules (tests/cli/test_clients.py copies it there).
// usage: node clients.mjs PORT TEXT, the text of 12 greedy tokens
import assert from "node:assert";
import OpenAI from "openai";

const [port, want] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me a story about a dog." }];

let r = await client.chat.completions.create({ model: "tiny", messages, max_tokens: 12 });
assert.equal(r.choices[0].message.content, want);
let text = "";
for await (const part of await client.chat.completions.create({ model: "tiny", messages, max_tokens: 12, stream: true }))
  text += part.choices[0]?.delta?.content ?? "";
assert.equal(text, want);
const stream = client.chat.completions.stream({ model: "tiny", messages, max_tokens: 12, logprobs: true, top_logprobs: 2 });
assert.equal(await stream.finalContent(), want);
r = await client.responses.create({ model: "tiny", input: messages[0].content, max_output_tokens: 12 });
assert.equal(r.output_text, want);
text = "";
for await (const e of await client.responses.create({ model: "tiny", input: messages, max_output_tokens: 12, stream: true }))
  if (e.type === "response.output_text.delta") text += e.delta;
assert.equal(text, want);
const rows = (await client.embeddings.create({ model: "tiny", input: ["a dog", "a cat"] })).data.map((d) => d.embedding);
assert.equal(rows.length, 2);
assert.ok(Math.abs(rows[0].reduce((s, x) => s + x * x, 0) - 1) < 1e-5);
const names = [];
for await (const m of client.models.list()) names.push(m.id);
assert.deepEqual(names, ["tiny", "a"]);
await assert.rejects(client.chat.completions.create({ model: "none", messages }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ model: "tiny", messages, temperature: 99999 }), OpenAI.BadRequestError);
console.log("checks passed");
