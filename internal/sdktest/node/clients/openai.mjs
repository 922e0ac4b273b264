// The npm client of OpenAI. Each client here has whole and stream, which ask q = {model, system, text, image, tools, schema, think, several} and give
// {id, text, calls, prompt, completion, cost, pieces, thought, reasoning, texts, resume};
// refused, which tells an error of the client's own class; and aborted. Some have embed, which gives {id, numbers, prompt, total, cost} for
// each way that the client has to ask for vectors, and responses, with whole and stream by the Responses API.
import OpenAI, { toFile } from "openai";
import { make as makeResponses } from "./responses.mjs";
import { schemaOf } from "./schema.mjs";

export const name = "openai";
export const mute = true; // it has no place for reasoning

const classes = {
  400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError, 404: OpenAI.NotFoundError, 503: OpenAI.InternalServerError,
};

function paramsOf(q) {
  const content = [{ type: "text", text: q.text }];
  if (q.image) content.push({ type: "image_url", image_url: { url: `data:image/png;base64,${q.image}` } });
  const messages = [{ role: "user", content }];
  if (q.system) messages.unshift({ role: "system", content: q.system });
  const params = { model: q.model, messages };
  if (q.tools) {
    params.tools = q.tools.map((name) => ({
      type: "function", function: { name, description: "A function.", parameters: schemaOf("text") },
    }));
    params.tool_choice = "required";
  }
  if (q.think) params.reasoning_effort = "low";
  if (q.several) params.n = q.several;
  if (q.schema) {
    params.response_format = { type: "json_schema", json_schema: { name: "answer", strict: true, schema: schemaOf(q.schema) } };
  }
  return params;
}

// What was asked for as base64 by name, the client hands on as it is.
function numbersIn(embedding) {
  if (Array.isArray(embedding)) return embedding;
  const raw = Buffer.from(embedding, "base64");
  return Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(4 * i));
}

export function make({ baseURL, apiKey, fetch }) {
  const client = new OpenAI({ baseURL: `${baseURL}/v1`, apiKey, fetch });
  const answerOf = (params, completion, pieces) => {
    const { message } = completion.choices[0];
    const calls = message.tool_calls ?? [];
    return {
      id: completion.id,
      text: message.content ?? "",
      calls: calls.map((c) => ({ id: c.id, name: c.function.name, arguments: JSON.parse(c.function.arguments) })),
      prompt: completion.usage.prompt_tokens,
      completion: completion.usage.completion_tokens,
      cost: completion.usage.cost,
      pieces,
      thought: "",
      reasoning: completion.usage.completion_tokens_details?.reasoning_tokens,
      texts: completion.choices.filter((c) => c.message.content).length,
      resume: (result) => {
        const results = calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: result }));
        return ask({ ...params, messages: [...params.messages, message, ...results], tool_choice: undefined });
      },
    };
  };
  const ask = async (params) => answerOf(params, await client.chat.completions.create(params), 0);
  return {
    whole: (q) => ask(paramsOf(q)),
    async stream(q, { piece, signal } = {}) {
      const params = paramsOf(q);
      let pieces = 0;
      const stream = client.chat.completions.stream(params, { signal });
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta?.content) {
          pieces++;
          piece?.();
        }
      }
      return answerOf(params, await stream.finalChatCompletion(), pieces);
    },
    responses: makeResponses(client),
    // Without a format the client asks for base64.
    async embed(model, input, dimensions) {
      const all = [];
      for (const encoding_format of [undefined, "float", "base64"]) {
        const { id, data, usage } = await client.embeddings.create({ model, input, dimensions, encoding_format });
        const numbers = data.toSorted((a, b) => a.index - b.index).map((d) => numbersIn(d.embedding));
        all.push({ id, numbers, prompt: usage.prompt_tokens, total: usage.total_tokens, cost: usage.cost });
      }
      return all;
    },
    studio: {
      async draw(model, prompt, last) {
        const pictures = (list) => list.map((d) => Buffer.from(d.b64_json, "base64"));
        const r = await client.images.generate({ model, prompt, n: 2, quality: "low" });
        const whole = { images: pictures(r.data), completion: r.usage.output_tokens, cost: r.usage.cost, generation: last() };
        const events = [];
        for await (const e of await client.images.generate({ model, prompt, quality: "low", partial_images: 2, stream: true })) events.push(e);
        const { type, usage } = events.at(-1);
        if (type !== "image_generation.completed" || events.length !== 3) throw new Error("the stream did not have three images");
        return [whole, { images: pictures(events), completion: usage.output_tokens, cost: usage.cost, generation: last() }];
      },
      async speak(model, input, last) {
        const r = await client.audio.speech.create({ model, input, voice: "alloy" });
        return [{ sound: Buffer.from(await r.arrayBuffer()), generation: last() }];
      },
      async transcribe(model, sound, last) {
        const file = () => toFile(Buffer.from(sound), "talk.wav");
        const r = await client.audio.transcriptions.create({ model, file: await file() });
        const whole = { text: r.text, completion: r.usage.output_tokens, cost: r.usage.cost, generation: last() };
        let text = "";
        let usage;
        for await (const e of await client.audio.transcriptions.create({ model, file: await file(), stream: true })) {
          if (e.type === "transcript.text.delta") text += e.delta;
          else usage = e.usage;
        }
        return [whole, { text, completion: usage.output_tokens, cost: usage.cost, generation: last() }];
      },
    },
    refused: (err) => (err instanceof (classes[err.status] ?? Number) ? err : undefined),
    aborted: (err) => err instanceof OpenAI.APIUserAbortError,
  };
}
