// Package embedding reads and writes calls for embeddings: a vector of numbers for each text. It knows two forms, that of OpenAI
// (POST /embeddings, with OpenRouter's provider and input_type) and that of Gemini (models/{model}:embedContent and
// :batchEmbedContents).
//
// Where caller and vendor speak the same form, bodies pass through but for the model's name and the usage. Otherwise texts,
// dimensions and the purpose of the vectors are translated; what the other form cannot say is refused with its name. Numbers keep
// their digits; as base64 they are little-endian IEEE 754 numbers of 32 bits, as OpenAI has it.
package embedding
