// What each client is asked to do with each vendor: the same rows as in features_test.go, by the same names. Each feature gives an
// outcome, and throws when it neither works nor is refused clearly.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

export const setup = JSON.parse(process.env.SDKTEST);

const tools = ["find_book", "open_ledger"];
const generationID = /^gen-[0-9a-f-]{36}$/;
const words = (text) => text.split(/\s+/).filter(Boolean).length;

// The body of a call that a vendor was sent with a text in it.
async function sent(p, text) {
  const answer = await fetch(`${p.vendor.Front}/seen?text=${encodeURIComponent(text)}`);
  assert.equal(answer.status, 200, `${p.vendor.ID} was not sent ${text}`);
  return answer.text();
}

const mark = (p, what) => `${what}_${p.sdk}_${p.vendor.ID}`.replaceAll(/[^A-Za-z0-9_ ]/g, "_");

async function generationOf(id) {
  const answer = await fetch(`${setup.BaseURL}/api/v1/generation?id=${id}`, { headers: { authorization: `Bearer ${setup.Key}` } });
  if (answer.status === 404) return undefined;
  assert.equal(answer.status, 200);
  return (await answer.json()).data;
}

// An answer, or undefined if it was refused as it should be.
async function maybe(p, q) {
  try {
    return await p.client.whole(q);
  } catch (err) {
    const refusal = p.client.refused(err);
    assert.equal(refusal?.status, 400, String(err));
    assert.match(refusal.message, /cannot be used with this model/);
    return undefined;
  }
}

function checkCalls(answer, names) {
  assert.deepEqual(answer.calls.map((c) => c.name), names);
  assert.equal(new Set(answer.calls.map((c) => c.id)).size, names.length);
  for (const c of answer.calls) {
    assert.ok(c.id);
    assert.equal(typeof c.arguments, "object");
  }
}

function checkPair(answer) {
  checkCalls(answer, tools);
  for (const c of answer.calls) assert.equal(words(c.arguments.text), 3);
}

const pair = (p) => ({ model: `${p.vendor.ID}/${setup.Pair}`, text: "Find the book and open it.", tools });

async function chat(p) {
  const a = await p.client.whole({ model: p.vendor.Model, text: "Say hello to the ledger." });
  assert.ok(words(a.text) > 10);
  assert.equal(a.calls.length, 0);
  assert.ok(a.prompt > 0);
  assert.ok(a.completion > 10);
  assert.match(a.id, generationID);
  return "yes";
}

// The simulator answers the same question with the same words.
async function streaming(p) {
  const q = { model: p.vendor.Model, text: "Stream to the ledger." };
  const whole = await p.client.whole(q);
  const streamed = await p.client.stream(q);
  assert.equal(streamed.text, whole.text);
  assert.ok(streamed.pieces > 3);
  assert.deepEqual([streamed.prompt, streamed.completion], [whole.prompt, whole.completion]);
  assert.match(streamed.id, generationID);
  return "yes";
}

async function costs(p) {
  const q = { model: p.vendor.Model, text: "What does a hello cost?" };
  for (const a of [await p.client.whole(q), await p.client.stream(q)]) {
    assert.ok(a.cost > 0);
    assert.equal(a.cost, (await generationOf(a.id)).total_cost);
  }
  return "yes";
}

const oneCall = (p) => ({ model: p.vendor.Model, text: "Find the book.", tools: tools.slice(0, 1) });

async function toolCall(p) {
  checkCalls(await p.client.whole(oneCall(p)), tools.slice(0, 1));
  return "yes";
}

async function toolCallStreamed(p) {
  checkCalls(await p.client.stream(oneCall(p)), tools.slice(0, 1));
  return "yes";
}

async function parallel(p) {
  checkPair(await p.client.whole(pair(p)));
  return "yes";
}

async function parallelStreamed(p) {
  checkPair(await p.client.stream(pair(p)));
  return "yes";
}

// The answer goes back as the client has it, whole and streamed, and the model goes on with what it was told.
async function toolResult(p) {
  const texts = new Set();
  for (const [i, a] of [await p.client.whole(oneCall(p)), await p.client.stream(oneCall(p))].entries()) {
    const result = mark(p, `the_book_is_on_shelf_${i}`);
    const next = await a.resume(result);
    assert.ok(next.text);
    assert.equal(next.calls.length, 0);
    assert.ok((await sent(p, result)).includes(tools[0]));
    texts.add(next.text);
  }
  assert.equal(texts.size, 2, "the model reads the result");
  return "yes";
}

const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64",
);

async function image(p) {
  const q = { model: `${p.vendor.ID}/${setup.Seeing}`, text: "What is this?" };
  const data = Buffer.concat([pixel, Buffer.from(mark(p, "picture"))]).toString("base64");
  const a = await maybe(p, { ...q, image: data });
  if (!a) return "refused";
  assert.ok(a.text);
  assert.ok((await sent(p, data)).includes(p.vendor.Image));
  assert.ok(a.prompt > (await p.client.whole(q)).prompt);
  return "yes";
}

// The simulator's words are no JSON; what counts is that the vendor was given the schema in its own way.
async function jsonSchema(p) {
  const member = mark(p, "shelf");
  const a = await maybe(p, { model: p.vendor.Model, text: "Where is it?", schema: member });
  if (!a) return "refused";
  assert.ok(a.text);
  assert.ok((await sent(p, member)).includes(p.vendor.Schema));
  return "yes";
}

async function systemPrompt(p) {
  const q = { model: p.vendor.Model, text: "Who are you?" };
  const system = mark(p, "Be brief");
  const a = await maybe(p, { ...q, system });
  if (!a) return "refused";
  assert.ok((await sent(p, system)).includes(p.vendor.System));
  assert.notEqual(a.text, (await p.client.whole(q)).text, "the model reads the system prompt");
  return "yes";
}

// OpenAI's chat completions have no place for what the model thought, its vendors show none of it.
async function reasoning(p) {
  const q = { model: `${p.vendor.ID}/${setup.Thinking}`, text: mark(p, "Think first"), think: true };
  const a = await maybe(p, q);
  if (!a) return "refused";
  assert.ok(a.text);
  // Amazon's dialect does not tell how many of the tokens are reasoning.
  if (p.vendor.Dialect !== "bedrock") assert.equal(a.reasoning, setup.ThoughtWords);
  assert.ok((await sent(p, q.text)).includes(p.vendor.Think));
  if (p.vendor.Dialect !== "openai" && !p.mute) assert.equal(words(a.thought), setup.ThoughtWords);
  const streamed = await p.client.stream(q);
  assert.deepEqual([streamed.text, streamed.thought], [a.text, a.thought]);
  return "yes";
}

async function several(p) {
  if (p.single) return "–";
  const a = await maybe(p, { model: p.vendor.Model, text: "Say it in two ways.", several: 2 });
  if (!a) return "refused";
  assert.equal(a.texts, 2);
  return "yes";
}

// The Responses API is asked what the other rows ask chat completions: a text and a tool call, whole and streamed. Usage and cost are
// what the ledger has, and the call goes back with its result.
async function responsesAPI(p) {
  const client = p.client.responses;
  if (!client) return "–";
  const q = { model: p.vendor.Model, text: "Respond to the ledger." };
  const whole = await client.whole(q);
  const streamed = await client.stream(q);
  assert.ok(words(whole.text) > 10);
  assert.equal(streamed.text, whole.text);
  assert.ok(streamed.pieces > 3);
  for (const a of [whole, streamed]) {
    assert.match(a.id, generationID);
    assert.equal(a.calls.length, 0);
    assert.equal(a.completion, whole.completion);
    assert.ok(a.prompt > 0);
    const g = await generationOf(a.id);
    assert.deepEqual([a.prompt, a.completion], [g.native_tokens_prompt, g.native_tokens_completion]);
    assert.ok(a.cost > 0);
    assert.equal(a.cost, g.total_cost);
    assert.equal(g.streamed, a === streamed);
  }
  for (const way of ["whole", "stream"]) {
    const a = await client[way](oneCall(p));
    checkCalls(a, tools.slice(0, 1));
    assert.equal(a.text, "");
    const result = mark(p, `the_response_is_on_shelf_${way}`);
    const next = await a.resume(result);
    assert.ok(next.text);
    assert.equal(next.calls.length, 0);
    assert.ok((await sent(p, result)).includes(tools[0]));
  }
  return "yes";
}

// What the simulator answers who asks it without the product: a text has the same numbers whichever of the vendors is asked.
async function numbersOf(input, dimensions) {
  const answer = await fetch(`${setup.SimURL}/v1/embeddings`, {
    method: "POST",
    headers: { authorization: `Bearer ${setup.VendorKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: setup.Embedding, input, dimensions }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).data.map((d) => d.embedding.map(Math.fround));
}

// The numbers are the vendor's to the bit, in the order of the texts, and the usage is what the ledger has. Anthropic's dialect has
// no embeddings.
async function embeddings(p) {
  if (!p.client.embed) return "–";
  const model = `${p.vendor.ID}/${setup.Embedding}`;
  const texts = ["The first book.", "Another one, on shelf 二."];
  if (p.vendor.Dialect === "anthropic" || p.vendor.Dialect === "bedrock") {
    await assert.rejects(p.client.embed(model, texts), (err) => {
      assert.equal(p.client.refused(err)?.status, 400, String(err));
      assert.match(err.message, /has no vendor that can be asked for embeddings/);
      return true;
    });
    assert.equal(p.wire.requests, 1, "the client tried again");
    return "refused";
  }
  for (const [asked, length] of [[undefined, setup.UsualVector], [setup.ShortVector, setup.ShortVector]]) {
    const want = await numbersOf(texts, length);
    assert.notDeepEqual(want[0], want[1]);
    for (const v of await p.client.embed(model, texts, asked)) {
      for (const vector of v.numbers) assert.equal(vector.length, length);
      assert.deepEqual(v.numbers.map((numbers) => numbers.map(Math.fround)), want);
      assert.match(v.id, generationID);
      const g = await generationOf(v.id);
      assert.ok(g.native_tokens_prompt > 0);
      assert.equal(g.native_tokens_completion, 0);
      assert.ok(g.total_cost > 0);
      assert.deepEqual([v.prompt, v.total, v.cost], [g.native_tokens_prompt, g.native_tokens_prompt, g.total_cost]);
    }
  }
  return "yes";
}

// What images, speech and transcriptions have in common: vendors of other dialects than OpenAI's have none of it.
async function medium(p, operation, ask, check) {
  if (!p.client.studio) return "–";
  if (p.vendor.Dialect !== "openai") {
    await assert.rejects(ask(p.client.studio), (err) => {
      assert.equal(p.client.refused(err)?.status, 400, String(err));
      assert.match(err.message, new RegExp(`has no vendor that can be asked for ${operation}`));
      return true;
    });
    return "refused";
  }
  for (const m of await ask(p.client.studio, () => p.wire.generation)) {
    check(m);
    assert.match(m.generation, generationID);
    const g = await generationOf(m.generation);
    assert.ok(g.native_tokens_completion > 0);
    assert.ok(g.total_cost > 0);
    if (m.cost !== undefined) assert.deepEqual([m.completion, m.cost], [g.native_tokens_completion, g.total_cost]);
  }
  return "yes";
}

const muse = (p) => `${p.vendor.ID}/${setup.Muse}`;

const images = (p) => medium(p, "images", (s, last) => s.draw(muse(p), mark(p, "A lighthouse"), last), (m) => {
  assert.ok(m.images.length > 0);
  for (const image of m.images) assert.equal(image.subarray(1, 4).toString(), "PNG");
  assert.ok(m.cost > 0);
});

// The bytes are the vendor's.
async function speech(p) {
  const input = "The ledger balances.";
  const answer = await fetch(`${setup.SimURL}/v1/audio/speech`, {
    method: "POST",
    headers: { authorization: `Bearer ${setup.VendorKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model: setup.Muse, input, voice: "alloy" }),
  });
  assert.equal(answer.status, 200);
  const want = Buffer.from(await answer.arrayBuffer());
  return medium(p, "speech", (s, last) => s.speak(muse(p), input, last), (m) => assert.ok(want.equals(m.sound)));
}

const transcriptions = (p) => medium(p, "transcriptions", (s, last) => s.transcribe(muse(p), `RIFF ${mark(p, "sound")}`, last), (m) => {
  assert.ok(words(m.text) > 10);
  assert.ok(m.cost > 0);
});

// The client's own error with the status, and no second attempt.
async function failures(p) {
  for (const [apiKey, model, status] of [
    [setup.Key, `${p.vendor.ID}/nothing`, 404],
    ["sk-wrong", p.vendor.Model, 401],
    [setup.Key, `${p.vendor.ID}/${setup.Down}`, 503],
  ]) {
    for (const way of ["whole", "stream"]) {
      const { client, wire } = p.make(apiKey);
      await assert.rejects(client[way]({ model, text: "Hello?" }), (err) => {
        assert.equal(client.refused(err)?.status, status, String(err));
        assert.ok(err.message);
        return true;
      });
      assert.equal(wire.requests, 1, `${status}: the client tried again`);
    }
  }
  return "yes";
}

// The caller leaves after the first words, and the ledger knows it.
async function abort(p) {
  const controller = new AbortController();
  const asked = p.client.stream(
    { model: `${p.vendor.ID}/${setup.Long}`, text: "Go on and on." }, { piece: () => controller.abort(), signal: controller.signal },
  );
  await assert.rejects(asked, (err) => p.client.aborted(err) || assert.fail(err));
  assert.match(p.wire.generation, generationID);
  let g;
  for (const end = Date.now() + 60_000; !g && Date.now() < end; await pause(100)) g = await generationOf(p.wire.generation);
  assert.ok(g, "the generation does not end");
  assert.equal(g.cancelled, true);
  assert.equal(g.streamed, true);
  assert.ok(g.native_tokens_completion > 0);
  assert.equal(g.native_tokens_completion < setup.AllWords, p.vendor.Cancels, `${g.native_tokens_completion} tokens`);
  return "yes";
}

export const features = {
  chat,
  streaming,
  "cost in the usage": costs,
  "tool call": toolCall,
  "tool call, streamed": toolCallStreamed,
  "parallel tool calls": parallel,
  "parallel tool calls, streamed": parallelStreamed,
  "tool result": toolResult,
  "image as data": image,
  "JSON schema": jsonSchema,
  "system prompt": systemPrompt,
  reasoning,
  "several completions": several,
  "Responses API": responsesAPI,
  embeddings,
  images,
  speech,
  transcriptions,
  "errors, typed and final": failures,
  "abort of a stream": abort,
};
