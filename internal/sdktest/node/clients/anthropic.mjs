// The npm client of Anthropic; openai.mjs says what a client here has.
import Anthropic from "@anthropic-ai/sdk";
import { answerTokens, schemaOf, thinkTokens } from "./schema.mjs";

export const name = "@anthropic-ai/sdk";
export const single = true; // it asks for one completion

const classes = {
  400: Anthropic.BadRequestError, 401: Anthropic.AuthenticationError, 404: Anthropic.NotFoundError, 503: Anthropic.InternalServerError,
};

function paramsOf(q) {
  const content = [{ type: "text", text: q.text }];
  if (q.image) content.push({ type: "image", source: { type: "base64", media_type: "image/png", data: q.image } });
  const params = { model: q.model, max_tokens: answerTokens, messages: [{ role: "user", content }] };
  if (q.system) params.system = q.system;
  if (q.tools) {
    params.tools = q.tools.map((name) => ({ name, description: "A function.", input_schema: schemaOf("text") }));
    params.tool_choice = { type: "any" };
  }
  if (q.think) params.thinking = { type: "enabled", budget_tokens: thinkTokens, display: "summarized" };
  if (q.schema) params.output_config = { format: { type: "json_schema", schema: schemaOf(q.schema) } };
  return params;
}

export function make({ baseURL, apiKey, fetch }) {
  const client = new Anthropic({ baseURL, apiKey, fetch });
  const answerOf = (params, message, cost, pieces) => {
    const calls = message.content.filter((b) => b.type === "tool_use");
    return {
      id: message.id,
      text: message.content.filter((b) => b.type === "text").map((b) => b.text).join(""),
      calls: calls.map((b) => ({ id: b.id, name: b.name, arguments: b.input })),
      prompt: message.usage.input_tokens,
      completion: message.usage.output_tokens,
      cost,
      pieces,
      thought: message.content.filter((b) => b.type === "thinking").map((b) => b.thinking).join(""),
      reasoning: message.usage.output_tokens_details?.thinking_tokens,
      resume: (result) => {
        const results = calls.map((b) => ({ type: "tool_result", tool_use_id: b.id, content: result }));
        const turns = [{ role: "assistant", content: message.content }, { role: "user", content: results }];
        return ask({ ...params, messages: [...params.messages, ...turns], tool_choice: undefined });
      },
    };
  };
  const ask = async (params) => {
    const message = await client.messages.create(params);
    return answerOf(params, message, message.usage.cost, 0);
  };
  return {
    whole: (q) => ask(paramsOf(q)),
    async stream(q, { piece, signal } = {}) {
      const params = paramsOf(q);
      let pieces = 0;
      let cost;
      const stream = client.messages.stream(params, { signal });
      for await (const event of stream) {
        if (event.type === "message_delta") cost = event.usage.cost;
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
          pieces++;
          piece?.();
        }
      }
      return answerOf(params, await stream.finalMessage(), cost, pieces);
    },
    refused: (err) => (err instanceof (classes[err.status] ?? Number) ? err : undefined),
    aborted: (err) => err instanceof Anthropic.APIUserAbortError,
  };
}
