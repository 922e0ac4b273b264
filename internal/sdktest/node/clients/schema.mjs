// A JSON Schema of an object with one text.
export const schemaOf = (member) => ({
  type: "object",
  properties: { [member]: { type: "string" } },
  required: [member],
  additionalProperties: false,
});

// The most that an answer and its reasoning may have, where a client has to say.
export const answerTokens = 1500;
export const thinkTokens = 1024;
