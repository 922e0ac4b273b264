// OpenRouter's own npm client, unchanged but for its server URL. It checks every answer against the published shapes and throws where one
// does not fit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import { NotFoundResponseError, UnauthorizedResponseError, ForbiddenResponseError, BadRequestResponseError } from "@openrouter/sdk/models/errors";

const serverURL = `${process.env.BASE_URL}/api/v1`;
const retryConfig = { strategy: "none" };
const connect = (apiKey) => new OpenRouter({ serverURL, apiKey, retryConfig });
const caller = connect(process.env.API_KEY);
const manager = connect(process.env.MANAGEMENT_KEY);
const id = "aurora/polaris-mini";
const [author, slug] = id.split("/");
const messages = [{ role: "user", content: "Say hello to the ledger." }];

// all collects the pages of a list.
async function all(pages) {
  const found = [];
  for await (const page of pages) found.push(...page.result.data);
  return found;
}

test("models are listed, page by page, filtered and sorted", async () => {
  const whole = await all(await caller.models.list());
  assert.ok(whole.some((m) => m.id === id && m.pricing.prompt));
  const paged = await all(await caller.models.list({ limit: 1 }));
  assert.deepEqual(paged.map((m) => m.id), whole.map((m) => m.id));
  const newest = await all(await caller.models.list({ sort: "newest", q: "polaris", outputModalities: "text", maxPrice: 1000 }));
  assert.ok(newest.length > 0 && newest.every((m) => m.id.includes("polaris")));
  for (let i = 1; i < newest.length; i++) assert.ok(newest[i - 1].created >= newest[i].created);
  assert.deepEqual(await all(await caller.models.list({ zdr: "true", category: "legal" })), []);
  const { data } = await caller.models.count();
  assert.equal(data.count, whole.length);
  const mine = await all(await caller.models.listForUser({ bearer: process.env.API_KEY }));
  assert.ok(mine.length >= whole.length);
  const one = await caller.models.get({ author, slug });
  assert.equal(one.data.id, id);
  await assert.rejects(caller.models.get({ author, slug: "nothing" }), NotFoundResponseError);
});

test("endpoints, providers and embedding models are listed", async () => {
  const { data } = await caller.endpoints.list({ author, slug });
  assert.equal(data.id, id);
  assert.ok(data.endpoints.length > 0);
  await caller.endpoints.listZdrEndpoints();
  const { data: providers } = await caller.providers.list();
  assert.ok(providers.some((p) => p.name === data.endpoints[0].providerName));
  await all(await caller.embeddings.listModels());
});

test("a call, its generation, and what the key and the wallet know of it", async () => {
  const answer = await caller.chat.send({ chatRequest: { model: id, messages } });
  assert.ok(answer.choices[0].message.content.length > 0);
  const { data } = await caller.generations.getGeneration({ id: answer.id });
  assert.equal(data.id, answer.id);
  assert.ok(data.totalCost > 0);
  const key = await caller.apiKeys.getCurrentKeyMetadata();
  assert.equal(key.data.isManagementKey, false);
  const credits = await manager.credits.getCredits();
  assert.ok(credits.data.totalCredits > 0);
  await manager.analytics.getUserActivity();
});

test("a management key walks a key through its life", async () => {
  const expiresAt = new Date(Date.now() + 3_600_000);
  const made = await manager.apiKeys.create({ requestBody: { name: "made by the client", limit: 0.5, limitReset: "weekly", expiresAt } });
  const { hash } = made.data;
  assert.equal(made.data.limit, 0.5);
  assert.equal(made.data.limitReset, "weekly");
  const answer = await connect(made.key).chat.send({ chatRequest: { model: id, messages } });
  assert.ok(answer.usage.totalTokens > 0);
  const read = await manager.apiKeys.get({ hash });
  assert.equal(read.data.name, "made by the client");
  const changed = await manager.apiKeys.update({ hash, requestBody: { name: "renamed", disabled: true, limit: 2, limitReset: "monthly" } });
  assert.equal(changed.data.disabled, true);
  assert.equal(changed.data.limitReset, "monthly");
  await assert.rejects(connect(made.key).chat.send({ chatRequest: { model: id, messages } }), ForbiddenResponseError);
  const enabled = await manager.apiKeys.list({ includeDisabled: false });
  assert.ok(!enabled.data.some((k) => k.hash === hash));
  const every = await manager.apiKeys.list({ includeDisabled: true });
  assert.ok(every.data.some((k) => k.hash === hash));
  assert.deepEqual((await manager.apiKeys.list({ offset: every.data.length })).data, []);
  assert.equal((await manager.apiKeys.delete({ hash })).deleted, true);
  await assert.rejects(manager.apiKeys.get({ hash }), NotFoundResponseError);
});

test("refusals are the client's own errors", async () => {
  await assert.rejects(caller.apiKeys.list(), UnauthorizedResponseError);
  await assert.rejects(connect("sk-mr-v1-nobody").apiKeys.list(), UnauthorizedResponseError);
  await assert.rejects(manager.chat.send({ chatRequest: { model: id, messages } }), ForbiddenResponseError);
  await assert.rejects(manager.apiKeys.create({ requestBody: { name: "x", limit: -1 } }), BadRequestResponseError);
  await assert.rejects(caller.generations.getGeneration({ id: "gen-00000000-0000-7000-8000-000000000000" }), NotFoundResponseError);
});
