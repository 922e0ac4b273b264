package answers

import "crypto/sha256"

const purpose = "massrouter inference answer v1"

// bound is what a sealed answer is tied to: it opens in its own row only.
func (c Claim) bound() []byte {
	b := make([]byte, 0, 2*len(c.KeyID)+2*sha256.Size)
	b = append(b, c.KeyID[:]...)
	b = append(b, c.Token[:]...)
	b = append(b, c.Body[:]...)
	return append(b, c.Generation[:]...)
}
