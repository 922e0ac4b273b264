// Package remote gets the images and documents that callers name by their addresses, for vendors that want the bytes.
//
//	find.go    where a body of a dialect names one
//	fetch.go   gets it, from public addresses only
//	medium.go  what it is, and how the dialect says it in place of the address
package remote

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Options of a Fetcher. Zero numbers and durations take the defaults named here.
type Options struct {
	// Allowed are networks that may be reached, at any port, although they are not public.
	Allowed []netip.Prefix

	MaxSize  int64         // bytes of one medium; 20 MiB
	MaxTotal int64         // bytes of all of one body; 32 MiB
	MaxCount int           // media of one body; 20
	Timeout  time.Duration // of all of one body; 20 s
	Fetches  int           // at the same time, in the process; 64
}

// parallel is how many media of one body are fetched at the same time.
const parallel = 4

// Inline puts the media that a body of a conversation names by http and https addresses into it; nil when it names none. The body has been read
// as one of the dialect. Errors are invalid_request, with the detail "param": what could not be had and why, in words for the
// caller that say nothing of the network.
func (f *Fetcher) Inline(ctx context.Context, dialect chat.Dialect, body []byte) ([]byte, error) {
	found, err := find(dialect, body)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	defer cancel()
	fetched, at, err := f.all(ctx, found)
	if err != nil {
		return nil, err
	}
	var edits jsonscan.Edits
	room := len(body)
	for _, ref := range found {
		got := fetched[at[ref.address]]
		m, err := identify(ref.kind, got.data, got.header)
		if err != nil {
			return nil, ref.refuse(err)
		}
		text := ref.write(nil, m)
		room += len(text)
		edits.Replace(ref.at, text)
	}
	return edits.Append(make([]byte, 0, room), body), nil
}

// all fetches each address once. at says which result is whose.
func (f *Fetcher) all(ctx context.Context, found []reference) (results []fetched, at map[string]int, err error) {
	at = make(map[string]int, len(found))
	var first []reference
	for _, ref := range found {
		if _, known := at[ref.address]; !known {
			at[ref.address] = len(first)
			first = append(first, ref)
		}
	}
	if len(first) > f.o.MaxCount {
		return nil, nil, domain.Errorf(domain.CodeInvalid, "this model takes at most %d images and files by address", f.o.MaxCount).With("param", first[f.o.MaxCount].param)
	}
	results = make([]fetched, len(first))
	left := newAllowance(f.o.MaxTotal)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n, ref := range first {
		group.Go(func() error {
			got, err := f.fetch(ctx, ref.address, left)
			if err != nil {
				return ref.refuse(err)
			}
			results[n] = got
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return results, at, nil
}

// refuse is why a medium cannot be had, for the caller.
func (r *reference) refuse(err error) error {
	return domain.Errorf(domain.CodeInvalid, "what stands at the address of %s cannot be used: %s", r.param, reason(err)).With("param", r.param).Wrap(err)
}
