package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// bedrock is the name of the service in signatures.
	bedrock = "bedrock"
	// tolerated is how far the vendor lets a signature's time be off (minutes fewer than it says, as a call takes a while).
	tolerated = 4 * time.Minute
)

// Signer signs calls with an access key (AWS Signature Version 4). It is safe for concurrent use.
type Signer struct {
	key    *AWSKey
	signer *v4.Signer
	now    func() time.Time
	ahead  atomic.Int64 // nanoseconds that the vendor's clock is before ours
}

// NewSigner makes the signer of a key.
func NewSigner(k *AWSKey, now func() time.Time) *Signer {
	return &Signer{key: k, signer: v4.NewSigner(), now: now}
}

// Sign adds the signature of a call with that body to its header. Each attempt at the vendor is signed anew: the time is a part of it.
func (s *Signer) Sign(ctx context.Context, r *http.Request, body []byte) error {
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: s.key.id, SecretAccessKey: s.key.secret, SessionToken: s.key.session}
	if err := s.signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), bedrock, s.key.region, s.time()); err != nil {
		return fmt.Errorf("sign a call: %w", err)
	}
	return nil
}

func (s *Signer) time() time.Time { return s.now().Add(time.Duration(s.ahead.Load())) }

// Adjust notes the vendor's clock by the Date of its answer, and says whether it is so far from ours that a signature may have been refused
// for that.
func (s *Signer) Adjust(date string) bool {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return false
	}
	if off := theirs.Sub(s.time()); off > -tolerated && off < tolerated {
		return false
	}
	s.ahead.Store(int64(theirs.Sub(s.now())))
	return true
}

// Reveals says whether a text has a part of the key in it.
func (s *Signer) Reveals(text string) bool { return s.key.reveals(text) }
