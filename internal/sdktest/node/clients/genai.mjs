// The npm client of Gemini; openai.mjs says what a client here has.
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";
import { schemaOf, thinkTokens } from "./schema.mjs";

export const name = "@google/genai";

function paramsOf(q) {
  const parts = [{ text: q.text }];
  if (q.image) parts.push({ inlineData: { data: q.image, mimeType: "image/png" } });
  const config = {};
  if (q.system) config.systemInstruction = q.system;
  if (q.tools) {
    const functionDeclarations = q.tools.map((name) => ({
      name, description: "A function.", parametersJsonSchema: schemaOf("text"),
    }));
    config.tools = [{ functionDeclarations }];
    config.toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } };
  }
  if (q.think) config.thinkingConfig = { includeThoughts: true, thinkingBudget: thinkTokens };
  if (q.several) config.candidateCount = q.several;
  if (q.schema) {
    config.responseMimeType = "application/json";
    config.responseJsonSchema = schemaOf(q.schema);
  }
  return { model: q.model, contents: [{ role: "user", parts }], config };
}

export function make({ baseURL, apiKey, fetch }) {
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: baseURL, fetch } });
  const answerOf = (params, responses, pieces) => {
    const parts = responses.flatMap((r) => r.candidates?.[0]?.content?.parts ?? []);
    const calls = responses.flatMap((r) => r.functionCalls ?? []);
    const { responseId, usageMetadata } = responses.at(-1);
    return {
      id: responseId,
      text: parts.filter((p) => p.text && !p.thought).map((p) => p.text).join(""),
      calls: calls.map((c) => ({ id: c.id, name: c.name, arguments: c.args })),
      prompt: usageMetadata.promptTokenCount,
      completion: (usageMetadata.candidatesTokenCount ?? 0) + (usageMetadata.thoughtsTokenCount ?? 0),
      cost: usageMetadata.cost,
      pieces,
      thought: parts.filter((p) => p.text && p.thought).map((p) => p.text).join(""),
      reasoning: usageMetadata.thoughtsTokenCount,
      texts: responses[0].candidates?.filter((c) => c.content?.parts?.[0]?.text).length ?? 0,
      resume: (result) => {
        const results = calls.map((c) => ({ functionResponse: { id: c.id, name: c.name, response: { output: result } } }));
        const turns = [{ role: "model", parts }, { role: "user", parts: results }];
        return ask({ ...params, contents: [...params.contents, ...turns], config: { ...params.config, toolConfig: undefined } });
      },
    };
  };
  const ask = async (params) => answerOf(params, [await client.models.generateContent(params)], 0);
  return {
    whole: (q) => ask(paramsOf(q)),
    async stream(q, { piece, signal } = {}) {
      const params = paramsOf(q);
      params.config.abortSignal = signal;
      const responses = [];
      let pieces = 0;
      for await (const response of await client.models.generateContentStream(params)) {
        responses.push(response);
        if (response.text) {
          pieces++;
          piece?.();
        }
      }
      return answerOf(params, responses, pieces);
    },
    async embed(model, contents, outputDimensionality) {
      const { embeddings, sdkHttpResponse, usageMetadata } = await client.models.embedContent({ model, contents, config: { outputDimensionality } });
      const { promptTokenCount: prompt, totalTokenCount: total, cost } = usageMetadata;
      return [{ id: sdkHttpResponse.headers["x-generation-id"], numbers: embeddings.map((e) => e.values), prompt, total, cost }];
    },
    refused: (err) => (err instanceof ApiError ? err : undefined),
    aborted: (err) => err.name === "AbortError",
  };
}
