// A vendor that is not ours: every dialect on one address, which the first line of output says. It ends with its input.
import { LLMock } from "@copilotkit/aimock";

const setup = JSON.parse(process.env.AIMOCK);
const mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 7 });
const usage = {
  prompt_tokens: setup.Prompt, input_tokens: setup.Prompt, promptTokenCount: setup.Prompt,
  completion_tokens: setup.Completion, output_tokens: setup.Completion, candidatesTokenCount: setup.Completion,
  total_tokens: setup.Prompt + setup.Completion, totalTokenCount: setup.Prompt + setup.Completion,
};
mock.onMessage(setup.Says, { content: setup.Words, usage });
mock.onMessage(setup.Calls, { toolCalls: setup.Functions.map((name) => ({ name, arguments: setup.Arguments })), usage });
mock.onMessage(setup.Fails, { error: { message: "too many of them", type: "rate_limit_error" }, status: 429, retryAfter: 60 });
await mock.start();
console.log(mock.url);
process.stdin.resume();
process.stdin.on("end", () => mock.stop().then(() => process.exit(0)));
