// Runs every feature with every client and vendor. Each outcome is a line of JSON in the file that the Go test named.
import { appendFileSync } from "node:fs";
import { test } from "node:test";
import * as anthropic from "./clients/anthropic.mjs";
import * as genai from "./clients/genai.mjs";
import * as openai from "./clients/openai.mjs";
import { features, setup } from "./features.mjs";

// A client whose requests are counted, and which remembers the generation that its last answer was.
function made(sdk, apiKey) {
  const wire = { requests: 0, generation: "" };
  const counted = async (...request) => {
    wire.requests++;
    const response = await fetch(...request);
    wire.generation = response.headers.get("x-generation-id") ?? "";
    return response;
  };
  return { wire, client: sdk.make({ baseURL: setup.BaseURL, apiKey, fetch: counted }) };
}

await test("matrix", { concurrency: 8 }, async (t) => {
  const running = [];
  for (const sdk of [openai, anthropic, genai]) {
    for (const vendor of setup.Vendors) {
      for (const [feature, run] of Object.entries(features)) {
        running.push(t.test(`${sdk.name} ${vendor.ID} ${feature}`, async () => {
          const make = (apiKey) => made(sdk, apiKey);
          const outcome = await run({ sdk: sdk.name, single: sdk.single ?? false, mute: sdk.mute ?? false, vendor, make, ...make(setup.Key) });
          appendFileSync(setup.Outcomes, `${JSON.stringify({ SDK: sdk.name, Vendor: vendor.ID, Feature: feature, Outcome: outcome })}\n`);
        }));
      }
    }
  }
  await Promise.all(running);
});
