package http_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/projections/generations"
)

// treeHead is a transparency log over a log in memory: its checkpoint is always of the last event.
type treeHead struct {
	store  eventstore.Reader
	signer note.Signer
	public string
}

func newTreeHead(t *testing.T, store eventstore.Reader) *treeHead {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "test.example/log")
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	return &treeHead{store: store, signer: signer, public: public}
}

// Receipt implements query.Receipts.
func (h *treeHead) Receipt(ctx context.Context, position int64) ([]byte, error) {
	head, err := h.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	events, err := eventstore.ReadDense(ctx, h.store, 0, int(head.Position))
	if err != nil {
		return nil, err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = stored[index]
		}
		return out, nil
	})
	for i := range events {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), events[i].LeafHash, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(head.Position, reader)
	if err != nil {
		return nil, err
	}
	found, err := tlog.ProveRecord(head.Position, position-1, reader)
	if err != nil {
		return nil, err
	}
	proof := make([][32]byte, len(found))
	for i, hash := range found {
		proof[i] = hash
	}
	signed, err := note.Sign(&note.Note{Text: audit.Checkpoint{Origin: h.signer.Name(), Size: head.Position, Root: root}.Text()}, h.signer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(audit.NewReceipt(&events[position-1], proof, signed))
}

func TestAChargeHasAReceiptThatVerifiesOffline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w := b.wallet("10")
	k, _ := b.key(w, map[string]any{"name": "k"})
	hold := b.hold(idOf(t, w), idOf(t, k))
	path := "/console/v1/charges/" + domain.GenerationID(hold) + "/receipt"
	b.get(path).refused(409, domain.CodeInProgress)
	position := b.charge(idOf(t, w), hold)
	b.wallet("1") // the charge is not the last event

	raw := b.get(path).is(200).body // at once: what is not in the read model yet is waited for
	receipt, err := audit.ParseReceipt(raw)
	require.NoError(t, err)
	key, err := note.NewVerifier(b.tree.public)
	require.NoError(t, err)
	event, checkpoint, err := audit.VerifyReceipt(receipt, key)
	require.NoError(t, err)
	require.Equal(t, position, event.Position)
	require.Equal(t, b.position(), checkpoint.Size)
	require.Contains(t, string(event.Body), hold.String())
	forged, err := audit.ParseReceipt([]byte(strings.Replace(string(raw), chargeOfCall, "0.00576", 1)))
	require.NoError(t, err)
	_, _, err = audit.VerifyReceipt(forged, key)
	require.Error(t, err)

	b.get("/console/v1/charges/gen-"+unknownID+"/receipt").refused(404, domain.CodeNotFound)
	b.get("/console/v1/charges/"+hold.String()+"/receipt").refused(400, domain.CodeInvalid)
	stuck := b.hold(idOf(t, w), idOf(t, k))
	b.post(w+"/holds/"+stuck.String()+"/release", map[string]any{"reason": "stuck"}).is(200)
	refusal := b.get("/console/v1/charges/"+domain.GenerationID(stuck)+"/receipt").refused(404, domain.CodeNotFound)
	require.Equal(t, string(generations.Released), refusal.text("details", "state"))
}

func TestAServiceWithoutATransparencyLogSaysSo(t *testing.T) {
	t.Parallel()
	_, err := query.New(query.Views{}).GetChargeReceipt(t.Context(), query.GetChargeReceiptRequestObject{GenerationID: "gen-" + unknownID})
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
}
