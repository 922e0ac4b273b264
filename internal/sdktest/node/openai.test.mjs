// The official npm client, unchanged but for its base URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.BASE_URL}/v1`, apiKey: process.env.API_KEY });
const messages = [{ role: "user", content: "Say hello to the ledger." }];
const { data: models } = await client.models.list();
const model = models.find((m) => m.id === "aurora/polaris-mini").id;

test("an answer has its cost", async () => {
  const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
  assert.ok(data.choices[0].message.content.length > 0);
  assert.ok(data.usage.cost > 0);
  assert.match(response.headers.get("x-generation-id"), /^gen-[0-9a-f-]{36}$/);
});

test("a stream ends with usage and cost", async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.ok(text.length > 0);
  assert.ok(usage.completion_tokens > 0);
  assert.ok(usage.cost > 0);
});

test("an unknown model is a 404 of the client's own class", async () => {
  await assert.rejects(client.chat.completions.create({ model: "nobody/nothing", messages }), OpenAI.NotFoundError);
});
