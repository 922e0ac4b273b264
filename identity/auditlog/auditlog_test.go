package auditlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
)

func changeOf(target string) trail.Change { return trail.Change{Target: target} }

func signatory(t *testing.T, dir string) *auditlog.Signatory {
	t.Helper()
	private, public, err := note.GenerateKey(strings.NewReader(strings.Repeat("seed", 16)), "ledger.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	return &auditlog.Signatory{Signer: signer, Verifier: verifier, Dir: dir}
}

// TestEntryIsKeptWithItsChange ends a transaction both ways.
func TestEntryIsKeptWithItsChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := by(t.Context(), uuid.New(), "192.0.2.7")
	undone := errors.New("no")
	err := pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		require.NoError(t, auditlog.Record(ctx, tx, changeOf("a")))
		return undone
	})
	require.ErrorIs(t, err, undone)
	page, err := b.List(ctx, auditlog.Filter{}, "", 0)
	require.NoError(t, err)
	require.Empty(t, page.Entries)
	require.NoError(t, pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		return auditlog.Record(ctx, tx, trail.Change{Target: "b", After: map[string]any{"password": "hunter2", "role": "admin"}})
	}))
	page, err = b.List(ctx, auditlog.Filter{}, "", 0)
	require.NoError(t, err)
	require.Len(t, page.Entries, 1)
	e, who := page.Entries[0], trail.From(ctx).Who()
	require.Equal(t, "b", e.Target)
	require.Equal(t, who.Actor, e.Actor)
	require.Equal(t, "owner", e.Role)
	require.Equal(t, "SetMemberRole", e.Action)
	require.Equal(t, trail.Done, e.Result)
	require.Equal(t, who.Request, e.Request)
	require.JSONEq(t, `{"password":"[redacted]","role":"admin"}`, string(e.After))
	require.Equal(t, &trail.Personal{Address: "192.0.2.7", UserAgent: "a browser"}, e.Personal)
	require.Zero(t, e.Sequence)
	_, err = b.Seal(ctx)
	require.NoError(t, err)
	page, err = b.List(ctx, auditlog.Filter{}, "", 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, page.Entries[0].Sequence)
	require.Len(t, page.Entries[0].Hash, 32)
}

// TestErasureLeavesTheChain erases one of several people.
func TestErasureLeavesTheChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := b.fill(t, 4)
	before, _ := b.verify(t)
	require.NoError(t, auditlog.Forget(t.Context(), b.pool, people[2]))
	after, found := b.verify(t)
	require.Empty(t, found)
	require.EqualValues(t, 1, after.Erased)
	require.Equal(t, before.Hash, after.Hash)
	var whole string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(e::text, ' ') FROM audit.entries e`).Scan(&whole))
	require.NotContains(t, whole, "192.0.2.2")
	require.Contains(t, whole, "192.0.2.1")
	page, err := b.List(t.Context(), auditlog.Filter{Actor: trail.Of("user", people[2])}, "", 0)
	require.NoError(t, err)
	require.True(t, page.Entries[0].Erased)
	require.Nil(t, page.Entries[0].Personal)
}

// TestWritersAndSealersAtOnce has many of both: every entry gets exactly one link.
func TestWritersAndSealersAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const writers, each = 8, 25
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sealers, all sync.WaitGroup
	for range 3 {
		sealers.Go(func() {
			for ctx.Err() == nil {
				if _, err := b.Seal(context.WithoutCancel(ctx)); err != nil {
					t.Errorf("seal: %v", err)
				}
			}
		})
	}
	for range writers {
		all.Go(func() {
			for range each {
				if err := b.Record(by(t.Context(), uuid.New(), "192.0.2.1"), changeOf("x")); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
	}
	all.Wait()
	stop()
	sealers.Wait()
	_, err := b.Seal(t.Context())
	require.NoError(t, err)
	summary, found := b.verify(t)
	require.Empty(t, found)
	require.EqualValues(t, writers*each, summary.Links)
	require.Zero(t, summary.Waiting)
}

// TestFiltersAndPages asks for entries by everything that can be asked by.
func TestFiltersAndPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ann, bob, wallet, organised := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.organisations (organisation_id, wallet_id, name, created_at) VALUES ($1, $2, 'o', now())`, organised, wallet)
	require.NoError(t, err)
	write := func(person uuid.UUID, c trail.Change) {
		t.Helper()
		require.NoError(t, b.Record(by(t.Context(), person, "192.0.2.1"), c))
	}
	write(ann, trail.Change{Target: "t1", Wallet: wallet})
	write(ann, trail.Change{Target: "t2", Organisation: organised, Result: trail.Refused, Code: "forbidden"})
	write(bob, trail.Change{Target: "t1", Action: "session.reused"})
	write(bob, trail.Change{Target: "t3", Wallet: uuid.New()})
	scope := trail.NewScope(trail.Who{Actor: "operator:token", Role: "operator", Operation: "TopUpWallet", Address: "198.51.100.1", Wallet: wallet})
	require.NoError(t, b.Record(trail.With(t.Context(), scope), trail.Change{Target: "t4"}))
	targets := func(f auditlog.Filter) (all []string) {
		t.Helper()
		for cursor, pages := "", 0; ; pages++ {
			p, err := b.List(t.Context(), f, cursor, 2)
			require.NoError(t, err)
			for i := range p.Entries {
				all = append(all, p.Entries[i].Target)
			}
			if cursor = p.Next; cursor == "" {
				return all
			}
			require.Less(t, pages, 5)
		}
	}
	require.Equal(t, []string{"t4", "t3", "t1", "t2", "t1"}, targets(auditlog.Filter{}))
	require.Equal(t, []string{"t2", "t1"}, targets(auditlog.Filter{Actor: trail.Of("user", ann)}))
	require.Equal(t, []string{"t1", "t1"}, targets(auditlog.Filter{Target: "t1"}))
	require.Equal(t, []string{"t1"}, targets(auditlog.Filter{Action: "session.reused"}))
	require.Equal(t, []string{"t2"}, targets(auditlog.Filter{Result: trail.Refused}))
	require.Equal(t, []string{"t4", "t2", "t1"}, targets(auditlog.Filter{Wallet: wallet}), "by the wallet, or by its organisation")
	require.Empty(t, targets(auditlog.Filter{To: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}))
	require.Len(t, targets(auditlog.Filter{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}), 5)
	var exported []string
	require.NoError(t, b.Export(t.Context(), auditlog.Filter{Wallet: wallet, Tenant: true}, func(e *auditlog.Entry) error {
		exported = append(exported, e.Target)
		require.Equal(t, e.Role != "operator", e.Personal != nil, "a tenant is not shown where the platform's people are")
		return nil
	}))
	require.Equal(t, []string{"t4", "t2", "t1"}, exported)
	for _, f := range []auditlog.Filter{{Result: "maybe"}, {Actor: "\x00"}, {Target: strings.Repeat("x", 301)}, {From: time.Unix(2, 0), To: time.Unix(1, 0)}} {
		_, err := b.List(t.Context(), f, "", 0)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
	for _, cursor := range []string{"x", "dHJhaWwuMDE", "dHJhaWwuLTE"} {
		_, err := b.List(t.Context(), auditlog.Filter{}, cursor, 0)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), cursor)
	}
}

// TestRoles asks by the role that somebody acted in: one of several on the platform, or all of some, in any order, a page after the other.
func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, role := range []string{
		"owner", "", "operator", "platform:auditor+finance", "management", "platform:auditor", "platform:owner", "owner", "platform:auditor+finance+support", "platform:audit",
	} {
		scope := trail.NewScope(trail.Who{Actor: "user:x", Role: role, Operation: "TopUpWallet"})
		result := trail.Done
		if i%2 == 1 {
			result = trail.Refused
		}
		require.NoError(t, b.Record(trail.With(t.Context(), scope), trail.Change{Target: strconv.Itoa(i), Result: result}))
	}
	for _, one := range []struct {
		f    auditlog.Filter
		want []string
	}{
		{auditlog.Filter{Role: "owner"}, []string{"7", "0"}},
		{auditlog.Filter{Role: "operator"}, []string{"2"}},
		{auditlog.Filter{Role: "management"}, []string{"4"}},
		{auditlog.Filter{Role: "platform:auditor"}, []string{"8", "5", "3"}},
		{auditlog.Filter{Role: "platform:finance+auditor"}, []string{"8", "3"}},
		{auditlog.Filter{Role: "platform:owner"}, []string{"6"}},
		{auditlog.Filter{Role: "platform:auditor", Result: trail.Refused}, []string{"5", "3"}},
		{auditlog.Filter{Role: "platform:auditor", Result: trail.Done, Action: "TopUpWallet", Actor: "user:x"}, []string{"8"}},
		{auditlog.Filter{Role: "auditor"}, nil},
		{auditlog.Filter{Role: "platform"}, nil},
	} {
		var listed, exported []string
		for cursor, more := "", true; more; more = cursor != "" {
			p, err := b.List(t.Context(), one.f, cursor, 1)
			require.NoError(t, err)
			for i := range p.Entries {
				listed = append(listed, p.Entries[i].Target)
			}
			cursor = p.Next
			require.Less(t, len(listed), 10)
		}
		require.Equal(t, one.want, listed, "%+v", one.f)
		require.NoError(t, b.Export(t.Context(), one.f, func(e *auditlog.Entry) error {
			exported = append(exported, e.Target)
			return nil
		}))
		require.Equal(t, one.want, exported, "%+v", one.f)
	}
	for _, role := range []string{"platform:", "platform:+", "platform:a+", "a+b", "Owner", "owner ", "owner\n", "%", "platform:%", "user:x", "\x00", strings.Repeat("x", 31)} {
		_, err := b.List(t.Context(), auditlog.Filter{Role: role}, "", 0)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%q", role)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(b.Export(t.Context(), auditlog.Filter{Role: role}, nil)), "%q", role)
	}
}

// TestHostileTexts writes what the database cannot keep, and what is too long.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := "a\x00\xff\u202e\ud7ff\"\\" + strings.Repeat("é", 9000)
	scope := trail.NewScope(trail.Who{Actor: bad, Role: bad, Operation: bad, Target: bad, Reason: bad, Address: bad, UserAgent: bad})
	require.NoError(t, b.Record(trail.With(t.Context(), scope), trail.Change{
		Before: map[string]any{bad: bad, "nested": []any{map[string]any{bad: "\x00"}}}, After: bad, Personal: map[string]string{bad: bad}, Code: bad,
	}))
	_, err := b.Seal(t.Context())
	require.NoError(t, err)
	_, found := b.verify(t)
	require.Empty(t, found)
	page, err := b.List(t.Context(), auditlog.Filter{}, "", 0)
	require.NoError(t, err)
	require.Less(t, len(page.Entries[0].Before), 100, "it says how much is left out")
	require.LessOrEqual(t, len(page.Entries[0].Reason), 500)
}

// TestHeads signs ends of a chain that grows, and reads what others would keep.
func TestHeads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	s := signatory(t, dir)
	signed, err := s.Sign(t.Context(), b.Log)
	require.NoError(t, err)
	require.False(t, signed, "there is nothing to sign")
	for n := int64(2); n <= 6; n += 2 {
		b.fill(t, 2)
		signed, err = s.Sign(t.Context(), b.Log)
		require.NoError(t, err)
		require.True(t, signed)
		signed, err = s.Sign(t.Context(), b.Log)
		require.NoError(t, err)
		require.False(t, signed)
		text, err := os.ReadFile(filepath.Join(dir, auditlog.HeadFile))
		require.NoError(t, err)
		head, err := auditlog.ReadHead(string(text), s.Verifier)
		require.NoError(t, err)
		require.Equal(t, n, head.Sequence)
	}
	var found []auditlog.Finding
	summary, err := auditlog.Verify(t.Context(), b.pool, auditlog.Checker(s.Verifier), func(f auditlog.Finding) { found = append(found, f) })
	require.NoError(t, err)
	require.Empty(t, found)
	require.EqualValues(t, 3, summary.Signed)
	b.tamper(t, `UPDATE audit.signed_heads SET note = replace(note, E'\n4\n', E'\n5\n') WHERE sequence = 4`)
	_, err = auditlog.Verify(t.Context(), b.pool, auditlog.Checker(s.Verifier), func(f auditlog.Finding) { found = append(found, f) })
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, auditlog.HeadForged, found[0].Code)
	_, err = auditlog.ReadHead("ledger.example/audit-trail\n1\nAAAA\n", s.Verifier)
	require.Error(t, err)
}

// TestSealer chains what comes, and signs no more often than it is told to.
func TestSealer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := signatory(t, t.TempDir())
	s.Every = time.Hour
	sealer := auditlog.NewSealer(b.Log, s)
	for n, signed := range []string{"\n1\n", "\n1\n"} {
		require.NoError(t, b.Record(by(t.Context(), uuid.New(), "192.0.2.1"), changeOf("x")))
		require.NoError(t, sealer.Tick(t.Context()))
		summary, found := b.verify(t)
		require.Empty(t, found)
		require.EqualValues(t, n+1, summary.Links)
		text, err := os.ReadFile(filepath.Join(s.Dir, auditlog.HeadFile))
		require.NoError(t, err)
		require.Contains(t, string(text), signed)
	}
}
