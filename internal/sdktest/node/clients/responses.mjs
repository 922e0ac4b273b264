// The Responses API of OpenAI's npm client: whole and stream as openai.mjs has them. Of a question it says the model, the text and the tools.
import { schemaOf } from "./schema.mjs";

function paramsOf(q) {
  const params = { model: q.model, input: [{ role: "user", content: q.text }] };
  if (q.tools) {
    params.tools = q.tools.map((name) => ({ type: "function", name, description: "A function.", parameters: schemaOf("text"), strict: true }));
    params.tool_choice = "required";
  }
  return params;
}

export function make(client) {
  const answerOf = (params, response, pieces) => {
    const calls = response.output.filter((o) => o.type === "function_call");
    return {
      id: response.id,
      text: response.output_text,
      calls: calls.map((c) => ({ id: c.call_id, name: c.name, arguments: JSON.parse(c.arguments) })),
      prompt: response.usage.input_tokens,
      completion: response.usage.output_tokens,
      cost: response.usage.cost,
      pieces,
      resume: (result) => {
        const results = calls.map((c) => ({ type: "function_call_output", call_id: c.call_id, output: result }));
        return ask({ ...params, input: [...params.input, ...response.output, ...results], tool_choice: undefined });
      },
    };
  };
  const ask = async (params) => answerOf(params, await client.responses.create(params), 0);
  return {
    whole: (q) => ask(paramsOf(q)),
    // The event at the end has all of the answer; the text is what came in pieces.
    async stream(q) {
      const params = paramsOf(q);
      let pieces = 0;
      let text = "";
      let last;
      for await (const event of await client.responses.create({ ...params, stream: true })) {
        last = event;
        if (event.type === "response.output_text.delta") {
          pieces++;
          text += event.delta;
        }
      }
      if (last?.type !== "response.completed") throw new Error(`the stream ended with ${last?.type}`);
      const said = last.response.output.filter((o) => o.type === "message").flatMap((o) => o.content).map((c) => c.text).join("");
      if (said !== text) throw new Error(`the stream had other words than its end: ${text}`);
      return answerOf(params, { ...last.response, output_text: text }, pieces);
    },
  };
}
