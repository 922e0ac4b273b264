package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// forgery is a log that somebody changed, with what the auditor should say: "code@position".
type forgery struct {
	t      *testing.T
	events []eventstore.Event
	want   []string
}

// expect adds a finding at an index.
func (f *forgery) expect(i int, codes ...audit.Code) {
	for _, code := range codes {
		f.want = append(f.want, fmt.Sprintf("%s@%d", code, f.events[i].Position))
	}
}

// nth is the index of the nth event of a type, from 0.
func (f *forgery) nth(eventType string, n int) int {
	f.t.Helper()
	for i := range f.events {
		if f.events[i].Type != eventType {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	require.Fail(f.t, "no such event", eventType)
	return 0
}

// after is the index of the next event of the same stream.
func (f *forgery) after(i int) int {
	f.t.Helper()
	for j := i + 1; j < len(f.events); j++ {
		if f.events[j].StreamID == f.events[i].StreamID {
			return j
		}
	}
	require.Fail(f.t, "no event after it")
	return 0
}

// seal makes the hash fit again, as somebody who knows the format can.
func (f *forgery) seal(i int) { f.events[i].LeafHash = eventstore.Leaf(&f.events[i]) }

// edit changes a body and seals it.
func (f *forgery) edit(i int, change func(body map[string]any)) {
	f.t.Helper()
	body := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(f.events[i].Body))
	decoder.UseNumber()
	require.NoError(f.t, decoder.Decode(&body))
	change(body)
	text, err := json.Marshal(body)
	require.NoError(f.t, err)
	f.events[i].Body = text
	f.seal(i)
}

// set changes one field of a body and seals it.
func (f *forgery) set(i int, field string, value any) {
	f.t.Helper()
	f.edit(i, func(body map[string]any) { body[field] = value })
}

// leg sets the amount of the leg whose account begins so.
func leg(body map[string]any, account, amount string) {
	for _, one := range body["entry"].([]any) {
		if l := one.(map[string]any); bytes.HasPrefix([]byte(l["account"].(string)), []byte(account)) {
			l["amount"] = amount
		}
	}
}

// renumber makes positions dense again and seals all.
func (f *forgery) renumber() {
	for i := range f.events {
		f.events[i].Position = int64(i + 1)
		f.seal(i)
	}
}

// clone adds a copy of an event to the end of the log, as the next of its stream and the next second.
func (f *forgery) clone(i int) int {
	e, last := f.events[i], &f.events[len(f.events)-1]
	e.Position, e.CommandID = last.Position+1, uuid.New()
	for j := range f.events {
		if f.events[j].StreamID == e.StreamID {
			e.StreamVersion = f.events[j].StreamVersion + 1
		}
	}
	f.events = append(f.events, e)
	f.record(len(f.events)-1, last.RecordedAt.Add(time.Second))
	return len(f.events) - 1
}

// record moves an event in time and seals it.
func (f *forgery) record(i int, at time.Time) {
	e := &f.events[i]
	e.RecordedAt = at
	for b, ms := 5, at.UnixMilli(); b >= 0; b, ms = b-1, ms>>8 {
		e.EventID[b] = byte(ms)
	}
	f.seal(i)
}

// check verifies the forged log and compares the findings.
func (f *forgery) check() {
	f.t.Helper()
	report := verify(f.t, f.events, audit.Options{})
	got := make([]string, 0, len(report.Findings))
	for _, found := range report.Findings {
		got = append(got, fmt.Sprintf("%s@%d", found.Code, found.Position))
	}
	require.NotEmpty(f.t, f.want)
	require.ElementsMatch(f.t, f.want, got, "%v", report.Findings)
	require.EqualValues(f.t, len(got), report.FindingCount)
}

func forge(t *testing.T) *forgery {
	t.Helper()
	events, _ := tell(t)
	return &forgery{t: t, events: events}
}

func TestEveryColumnIsInTheLeaf(t *testing.T) {
	t.Parallel()
	for column, change := range map[string]func(*eventstore.Event){
		"shard":          func(e *eventstore.Event) { e.Shard++ },
		"position":       func(e *eventstore.Event) { e.Position++ },
		"stream_id":      func(e *eventstore.Event) { e.StreamID += "x" },
		"stream_version": func(e *eventstore.Event) { e.StreamVersion++ },
		"event_id":       func(e *eventstore.Event) { e.EventID[15] ^= 1 },
		"type":           func(e *eventstore.Event) { e.Type = "wallet.granted.v1" },
		"schema_version": func(e *eventstore.Event) { e.SchemaVersion++ },
		"recorded_at":    func(e *eventstore.Event) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"effective_at":   func(e *eventstore.Event) { e.EffectiveAt = e.EffectiveAt.Add(-time.Microsecond) },
		"actor":          func(e *eventstore.Event) { e.Actor = "operator:else" },
		"correlation_id": func(e *eventstore.Event) { e.CorrelationID[0] ^= 1 },
		"causation_id":   func(e *eventstore.Event) { e.CausationID[0] ^= 1 },
		"command_id":     func(e *eventstore.Event) { e.CommandID[0] ^= 1 },
		"salt":           func(e *eventstore.Event) { e.Salt[0] ^= 1 },
		"body":           func(e *eventstore.Event) { e.Body[len(e.Body)-2] ^= 1 },
		"leaf_hash":      func(e *eventstore.Event) { e.LeafHash[31] ^= 1 },
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			i := f.nth("wallet.topped_up.v1", 1)
			change(&f.events[i])
			report := verify(t, f.events, audit.Options{})
			require.NotEmpty(t, report.Findings)
			require.Equal(t, audit.LeafMismatch, report.Findings[0].Code)
			require.Equal(t, f.events[i].Position, report.Findings[0].Position)
		})
	}
}

// TestForgeries changes a log with its leaf hashes made anew, so that nothing but what the events mean can give it away.
func TestForgeries(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*forgery){
		"an event is gone": func(f *forgery) {
			i := f.nth("wallet.hold_extended.v1", 0)
			next, position := f.after(i), i+1
			f.expect(position, audit.PositionMissing)
			f.expect(next, audit.StreamVersion)
			f.events = slices.Delete(f.events, i, i+1)
		},
		"an event is gone and the rest renumbered": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			next, stream := f.after(i), f.events[i].StreamID
			f.events = slices.Delete(f.events, i, i+1)
			for j := i; j < len(f.events); j++ {
				if f.events[j].StreamID == stream {
					f.events[j].StreamVersion--
				}
			}
			f.renumber()
			f.expect(next-1, audit.BalanceMismatch)
		},
		"two events are swapped": func(f *forgery) {
			i := f.nth("catalog.model_published.v1", 1)
			f.events[i], f.events[i+1] = f.events[i+1], f.events[i]
			f.expect(i, audit.PositionMissing, audit.CatalogOrder)
			f.expect(i+1, audit.PositionRepeated)
			f.expect(i+2, audit.PositionMissing)
		},
		"two events of one stream are swapped and renumbered": func(f *forgery) {
			i := f.nth("apikey.disabled.v1", 0)
			f.events[i], f.events[i+1] = f.events[i+1], f.events[i]
			f.renumber()
			f.expect(i, audit.StreamVersion, audit.KeyState)
			f.expect(i+1, audit.StreamVersion)
			f.expect(i+3, audit.StreamVersion)
		},
		"an event is there twice": func(f *forgery) {
			i := f.nth("catalog.vendor_published.v1", 0)
			f.events = slices.Insert(f.events, i+1, f.events[i])
			f.expect(i+1, audit.PositionRepeated, audit.StreamVersion)
		},
		"another shard": func(f *forgery) {
			i := f.nth("catalog.model_published.v1", 0)
			f.events[i].Shard = 1
			f.seal(i)
			f.expect(i, audit.ShardMixed)
		},
		"time goes back": func(f *forgery) {
			i := f.nth("apikey.updated.v1", 0)
			f.record(i, f.events[i].RecordedAt.Add(-24*time.Hour))
			f.expect(i, audit.RecordedBack)
		},
		"an event id of another time": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.events[i].EventID[4] ^= 1
			f.seal(i)
			f.expect(i, audit.EventIDTime)
		},
		"another schema version": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.events[i].SchemaVersion = 2
			f.seal(i)
			f.expect(i, audit.SchemaVersion)
		},
		"an unknown type": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.events[i].Type = "wallet.given.v1"
			f.seal(i)
			f.expect(i, audit.EventUndecodable)
		},
		"an unknown field": func(f *forgery) {
			i := f.nth("wallet.topped_up.v1", 0)
			f.set(i, "note", "x")
			f.expect(i, audit.EventUndecodable)
		},
		"an event in the stream of another": func(f *forgery) {
			i := f.nth("catalog.model_published.v1", 1)
			f.events[i].StreamID, f.events[i].StreamVersion = f.events[f.nth("catalog.model_published.v1", 0)].StreamID, 2
			f.seal(i)
			f.expect(i, audit.StreamForeign)
			f.expect(i+1, audit.CatalogOrder)
		},
		"a wallet opened twice": func(f *forgery) { f.expect(f.clone(f.nth("wallet.opened.v1", 0)), audit.WalletReopened) },
		"a wallet that was not opened": func(f *forgery) {
			i := f.clone(f.nth("wallet.topped_up.v1", 0))
			other := uuid.NewString()
			f.events[i].StreamID, f.events[i].StreamVersion = domain.NewStreamID("wallet", other), 1
			f.edit(i, func(body map[string]any) { body["entry"].([]any)[1].(map[string]any)["account"] = "wallet:" + other })
			f.expect(i, audit.WalletNotOpen)
		},
		"another currency": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.set(i, "currency", "EUR")
			f.expect(i, audit.CurrencyMismatch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			change(f)
			f.check()
		})
	}
}

func TestForgedMoney(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*forgery){
		"an amount": func(f *forgery) {
			i := f.nth("wallet.topped_up.v1", 0)
			f.set(i, "amount", "1000")
			f.expect(i, audit.EntryMismatch)
		},
		"one leg": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.edit(i, func(body map[string]any) { leg(body, "wallet:", "6") })
			f.expect(i, audit.EntryUnbalanced, audit.EntryMismatch, audit.TrialBalance, audit.BalanceMismatch)
		},
		"a leg on another account": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.edit(i, func(body map[string]any) { body["entry"].([]any)[0].(map[string]any)["account"] = "cash:else" })
			f.expect(i, audit.EntryMismatch)
		},
		"amount, legs and balances together": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.edit(i, func(body map[string]any) {
				body["amount"], body["posted_after"] = "50", "150"
				leg(body, "wallet:", "50")
				leg(body, "promo", "-50")
			})
			f.expect(f.after(i), audit.BalanceMismatch)
		},
		"the balance after an event": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.set(i, "posted_after", "105.1")
			f.expect(i, audit.BalanceMismatch)
		},
		"a debit that no wallet has": func(f *forgery) {
			i := f.nth("wallet.granted.v1", 0)
			f.edit(i, func(body map[string]any) {
				body["amount"], body["posted_after"] = "-150", "-50"
				leg(body, "wallet:", "-150")
				leg(body, "promo", "150")
			})
			f.expect(i, audit.AmountInvalid, audit.WalletNegative)
			f.expect(f.after(i), audit.BalanceMismatch, audit.WalletNegative)
		},
		"a charge in all its parts": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) {
				body["usage"] = map[string]any{"output": 1}
				body["line_items"] = []any{map[string]any{"class": "output", "quantity": 1, "price": "0.000001", "amount": "0.000001"}}
				body["charge"], body["vendor_cost"] = "0.000001", "0.00001"
				leg(body, "revenue:usage", "0.000001")
			})
			f.expect(i, audit.LineItemMismatch, audit.EntryMismatch, audit.EntryUnbalanced, audit.TrialBalance)
		},
		"a line's amount": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) { body["line_items"].([]any)[0].(map[string]any)["amount"] = "7" })
			f.expect(i, audit.LineItemMismatch, audit.LineItemMismatch, audit.ChargeMismatch)
		},
		"a quantity": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) { body["usage"].(map[string]any)["reasoning"] = 11 })
			f.expect(i, audit.LineItemMismatch, audit.VendorCost)
		},
		"a class that does not exist": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) { body["usage"].(map[string]any)["images"] = 1 })
			f.expect(i, audit.UsageInvalid)
		},
		"a provenance that does not exist": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.set(i, "provenance", "guessed")
			f.expect(i, audit.UsageInvalid)
		},
		"the vendor's cost": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) {
				body["vendor_cost"] = "0.5"
				leg(body, "cost:usage", "-0.5")
				leg(body, "vendor:acme:payable", "0.5")
			})
			f.expect(i, audit.VendorCost)
		},
		"another vendor": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) {
				body["vendor"] = "other"
				for _, l := range body["entry"].([]any) {
					if l.(map[string]any)["account"] == "vendor:acme:payable" {
						l.(map[string]any)["account"] = "vendor:other:payable"
					}
				}
			})
			f.expect(i, audit.EndpointMismatch)
		},
		"what is uncollectible": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.edit(i, func(body map[string]any) {
				was := body["posted_after"].(string)
				require.Equal(f.t, "104.", was[:4])
				body["uncollectible"] = "0.0000000001"
				entry := body["entry"].([]any)
				body["entry"] = append(entry, map[string]any{"account": "uncollectible", "amount": "-0.0000000001"})
			})
			f.expect(i, audit.UncollectibleDiff, audit.EntryMismatch, audit.EntryUnbalanced, audit.TrialBalance)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			change(f)
			f.check()
		})
	}
}

func TestForgedHoldsKeysAndPrices(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*forgery){
		"a second settlement": func(f *forgery) {
			i := f.clone(f.nth("wallet.usage_charged.v1", 0))
			f.expect(i, audit.HoldNotOpen, audit.BalanceMismatch)
		},
		"a hold placed again": func(f *forgery) {
			i := f.clone(f.nth("wallet.hold_placed.v1", 16))
			f.expect(i, audit.HoldReused, audit.HoldID, audit.HoldClock, audit.BalanceMismatch)
			f.record(i, f.events[i].RecordedAt.Add(24*time.Hour))
		},
		"a hold that says less than its legs": func(f *forgery) {
			i := f.nth("wallet.hold_placed.v1", 0)
			f.set(i, "amount", "0.001")
			f.expect(i, audit.EntryMismatch, audit.HoldAmount)
			f.expect(f.after(i), audit.HoldMismatch)
		},
		"another price version in the hold": func(f *forgery) {
			i := f.nth("wallet.hold_placed.v1", 0)
			f.set(i, "price_version", uuid.NewString())
			f.expect(i, audit.PriceUnknown)
			f.expect(f.after(i), audit.HoldMismatch)
		},
		"another model in the charge": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.set(i, "model", "acme/small")
			f.expect(i, audit.HoldMismatch)
		},
		"another endpoint in the hold": func(f *forgery) {
			i := f.nth("wallet.hold_placed.v1", 0)
			f.set(i, "endpoint", "acme/tiny@acme")
			f.expect(i, audit.EndpointMismatch)
			f.expect(f.after(i), audit.HoldMismatch)
		},
		"a charge that is called late": func(f *forgery) {
			i := f.nth("wallet.usage_charged.v1", 0)
			f.set(i, "late", true)
			f.expect(i, audit.HoldMismatch)
		},
		"an extension that is none": func(f *forgery) {
			i := f.nth("wallet.hold_extended.v1", 0)
			f.set(i, "expires_at", "2026-03-04T00:00:00Z")
			f.expect(i, audit.HoldClock)
		},
		"a suspicion before its time": func(f *forgery) {
			i := f.nth("wallet.hold_placed.v1", 13)
			require.Equal(f.t, "wallet.hold_placed.v1", f.events[i+1].Type)
			f.set(i, "expires_at", f.events[i].RecordedAt.Add(time.Hour).Format(time.RFC3339Nano))
			f.expect(f.nth("wallet.hold_suspected.v1", 0), audit.HoldClock)
		},
		"a cap that was passed": func(f *forgery) {
			i := f.nth("apikey.issued.v1", 2)
			f.edit(i, func(body map[string]any) {
				body["limits"].(map[string]any)["caps"].(map[string]any)["day"] = "0.5"
			})
			f.expect(f.nth("wallet.hold_placed.v1", 4), audit.KeyCapExceeded)
			f.expect(f.nth("wallet.hold_placed.v1", 5), audit.KeyCapExceeded)
		},
		"a key that was not issued": func(f *forgery) {
			i := f.nth("wallet.hold_placed.v1", 0)
			f.set(i, "key_id", uuid.NewString())
			f.expect(i, audit.KeyUnusable)
			f.expect(f.after(i), audit.HoldMismatch)
		},
		"a key that may not call the model": func(f *forgery) {
			i := f.nth("apikey.issued.v1", 0)
			f.edit(i, func(body map[string]any) { body["limits"].(map[string]any)["models"] = []any{"acme/large"} })
			for _, n := range []int{6, 7, 8, 11} {
				f.expect(f.nth("wallet.hold_placed.v1", n), audit.KeyUnusable)
			}
		},
		"a key that expired before": func(f *forgery) {
			i := f.nth("apikey.issued.v1", 1)
			f.edit(i, func(body map[string]any) { body["limits"].(map[string]any)["expires_at"] = "2026-03-04T00:00:00Z" })
			f.expect(f.nth("wallet.hold_placed.v1", 12), audit.KeyUnusable)
		},
		"a change of a revoked key": func(f *forgery) { f.expect(f.clone(f.nth("apikey.updated.v1", 0)), audit.KeyState) },
		"a key that works again with a secret that leaked": func(f *forgery) {
			f.set(f.nth("apikey.disabled.v1", 0), "leaked", true)
			f.expect(f.nth("apikey.enabled.v1", 0), audit.KeyState)
		},
		"an app registered twice":     func(f *forgery) { f.expect(f.clone(f.nth("app.registered.v1", 0)), audit.AppState) },
		"a change of an archived app": func(f *forgery) { f.expect(f.clone(f.nth("app.updated.v1", 0)), audit.AppState) },
		"an app of another owner": func(f *forgery) {
			i := f.nth("app.registered.v1", 0)
			f.set(i, "owner", "org-2")
			f.expect(i, audit.AppState)
		},
		"a key bound to the app of another wallet": func(f *forgery) {
			other, bound := f.nth("app.registered.v1", 1), f.nth("apikey.app_bound.v1", 1)
			f.edit(f.nth("app.registered.v1", 0), func(body map[string]any) { f.set(other, "wallet_id", body["wallet_id"]) })
			f.expect(bound, audit.AppState)
		},
		"a key issued twice": func(f *forgery) { f.expect(f.clone(f.nth("apikey.issued.v1", 0)), audit.KeyState) },
		"a price published twice": func(f *forgery) {
			f.expect(f.clone(f.nth("catalog.price_published.v1", 0)), audit.PriceReused, audit.PriceBackdated)
		},
		"a price that took effect later": func(f *forgery) {
			i := f.nth("catalog.price_published.v1", 2)
			f.set(i, "effective_from", "2026-03-04T23:30:00Z")
			f.expect(f.nth("wallet.hold_placed.v1", 8), audit.PriceNotInForce)
		},
		"a price's rate": func(f *forgery) {
			i := f.nth("catalog.price_published.v1", 2)
			f.edit(i, func(body map[string]any) {
				body["price"].(map[string]any)["base"].(map[string]any)["output"] = "0.000001"
			})
			for _, n := range []int{8, 11, 12} {
				f.expect(f.nth("wallet.hold_placed.v1", n), audit.HoldAmount)
			}
			for _, n := range []int{7, 10} {
				f.expect(f.nth("wallet.usage_charged.v1", n), audit.LineItemMismatch, audit.VendorCost)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := forge(t)
			change(f)
			f.check()
		})
	}
}
