// Package media reads and writes what OpenAI's API has for pictures and sound beside conversations: images (POST /images/generations),
// speech (/audio/speech) and transcriptions (/audio/transcriptions). Bodies pass through but for the model's name and the usage; there
// is no other form. docs/adr/0032-answers-that-are-not-json.md says why it is done so.
//
//	image.go, image_answer.go   pictures that are drawn
//	speech.go                   texts that are spoken
//	transcription.go            sound that is written down: form.go reads and writes its requests, duration.go bounds its length
//	usage.go                    the usage that these operations have in common
package media
