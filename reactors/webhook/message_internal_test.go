package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

var update = flag.Bool("update", false, "write testdata and the table in docs/webhooks.md anew")

const (
	goldenFile = "testdata/messages.golden"
	docsFile   = "../../docs/webhooks.md"
)

// samples are events of every type that a wallet or a key has, with marks in everything that no customer may see.
func samples() []domain.Event {
	id := func(n byte) uuid.UUID {
		return uuid.UUID{0x01, 0x9c, 0xed, 0x0d, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
	}
	until := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	left := wallet.Balances{Posted: money.MustParse("4.5"), Held: money.MustParse("0.25")}
	call := wallet.Call{UpstreamID: "hidden-upstream", Error: "hidden-error", AppTitle: "hidden-title"}
	entry := money.Entry{}
	return []domain.Event{
		wallet.Opened{WalletID: id(1), Owner: "hidden-owner", Currency: money.USD},
		wallet.ToppedUp{Amount: money.MustParse("20"), PSP: "hidden-psp", Reason: "payment", Reference: "pay-1", Currency: money.USD, Balances: left, Entry: entry},
		wallet.Granted{Amount: money.MustParse("5"), Reason: "welcome", Currency: money.USD, Balances: left},
		wallet.Adjusted{Amount: money.MustParse("-0.5"), Reason: "correction", Reference: "case-7", Currency: money.USD, Balances: left},
		wallet.HoldPlaced{HoldID: id(3), KeyID: id(2)},
		wallet.HoldExtended{HoldID: id(3)},
		wallet.HoldSuspected{HoldID: id(3)},
		wallet.UsageCharged{
			HoldID: id(3), KeyID: id(2), Model: "acme/large", Endpoint: "acme/large@hidden-vendor", Vendor: "hidden-vendor", PriceVersion: id(99),
			Charge: money.MustParse("0.01234"), Uncollectible: money.MustParse("0.00034"), VendorCost: money.MustParse("0.987654321"),
			HeldBefore: money.MustParse("0.123456789"), Call: call, Currency: money.USD, Balances: left,
		},
		wallet.HoldReleased{
			HoldID: id(3), KeyID: id(2), Model: "acme/large", Endpoint: "acme/large@hidden-vendor", Amount: money.MustParse("0.25"), Reason: "vendor_error",
			Call: call, Currency: money.USD, Balances: left,
		},
		wallet.HoldExpired{HoldID: id(3), KeyID: id(2), Amount: money.MustParse("0.25"), Currency: money.USD, Balances: left},
		apikey.Issued{KeyID: id(2), WalletID: id(1), Hash: apikey.HashSecret("hidden"), Label: "sk-mr-v1-…abcd", Limits: apikey.Limits{Name: "laptop", ExpiresAt: until}},
		apikey.Updated{KeyID: id(2), Limits: apikey.Limits{Name: "desktop", ExpiresAt: until}},
		apikey.Rotated{KeyID: id(2), Hash: apikey.HashSecret("hidden"), Label: "sk-mr-v1-…efgh", OldHashUntil: until},
		apikey.Disabled{KeyID: id(2), Reason: "lost"},
		apikey.Enabled{KeyID: id(2)},
		apikey.Revoked{KeyID: id(2), Reason: "leaked"},
		apikey.AppBound{KeyID: id(2), AppID: id(4)},
		apikey.AppBound{KeyID: id(2)},
		wallet.ChargeCorrected{
			HoldID: id(3), KeyID: id(2), Model: "acme/large", Endpoint: "acme/large@hidden-vendor", Vendor: "hidden-vendor", PriceVersion: id(99),
			Before:   wallet.Bill{Charge: money.MustParse("0.01234"), Uncollectible: money.MustParse("0.00034"), VendorCost: money.MustParse("0.987654321")},
			After:    wallet.Bill{Charge: money.MustParse("0.02"), VendorCost: money.MustParse("0.123456789")},
			Evidence: "hidden-evidence", Reason: "hidden-reason", Currency: money.USD, Balances: left,
		},
		wallet.PriceGroupSet{},
		wallet.RateLimitsSet{},
		wallet.ContentStorageSet{},
		wallet.MemberLimitsSet{},
		apikey.Disabled{KeyID: id(2), Reason: "its secret was found in public: github.com", Leaked: true},
	}
}

// told are the samples' messages; the threshold makes those that take something tell of a low balance.
func told(t *testing.T) []Message {
	t.Helper()
	limit := money.MustParse("4.505")
	var all []Message
	for i, event := range samples() {
		at := Source{WalletID: uuid.UUID{0x01, 0x9c, 0xed, 0x0d, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}, Position: int64(1000 + i)}
		all = append(all, translate(event, at, time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.FixedZone("x", 3600)), &limit)...)
	}
	ping := Message{Type: TypePing, Timestamp: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Data: Ping{WebhookID: uuid.UUID{15: 5}}}
	return append(all, ping)
}

// TestMessagesAreFrozen compares every message with what was released: members may be added, never changed.
func TestMessagesAreFrozen(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, m := range told(t) {
		body, err := m.encode()
		require.NoError(t, err)
		b.Write(append(body, '\n'))
		for _, secret := range []string{"hidden", "0.987654321", "0.123456789", apikey.HashSecret("hidden").String(), "vendor\"", "endpoint", "salt", "entry", "actor"} {
			require.NotContains(t, string(body), secret)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(goldenFile, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// TestEveryEventIsToldOrLeftOutOnPurpose looks at every event type of wallets and keys.
func TestEveryEventIsToldOrLeftOutOnPurpose(t *testing.T) {
	t.Parallel()
	sampled := map[string]bool{}
	said := map[Type]bool{}
	for _, e := range samples() {
		sampled[e.EventType()] = true
	}
	for _, spec := range append(wallet.Events(), apikey.Events()...) {
		require.True(t, sampled[spec.Type], "%s has no sample", spec.Type)
	}
	for _, m := range told(t) {
		said[m.Type] = true
	}
	for _, d := range Types() {
		require.True(t, said[d.Type], "%s is never said", d.Type)
	}
	require.Len(t, said, len(Types())+1)
}

// table is the table of docs/webhooks.md.
func table(t *testing.T) string {
	t.Helper()
	members := map[Type][]string{}
	for _, m := range told(t) {
		raw, err := json.Marshal(m.Data)
		require.NoError(t, err)
		d := json.NewDecoder(bytes.NewReader(raw))
		_, err = d.Token()
		require.NoError(t, err)
		for d.More() {
			name, err := d.Token()
			require.NoError(t, err)
			var value json.RawMessage
			require.NoError(t, d.Decode(&value))
			if text := "`" + name.(string) + "`"; !strings.Contains(strings.Join(members[m.Type], " "), text) {
				members[m.Type] = append(members[m.Type], text)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| type | sent when | members of `data` |\n|---|---|---|\n")
	for _, d := range append(Types(), TypeDoc{TypePing, "Somebody asked for a test."}) {
		b.WriteString("| `" + string(d.Type) + "` | " + d.Doc + " | " + strings.Join(members[d.Type], ", ") + " |\n")
	}
	return b.String()
}

const begin, end = "<!-- types: written by the tests of reactors/webhook with -update -->\n", "<!-- end of types -->\n"

func TestTheDocumentationListsEveryType(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(raw), begin)
	require.True(t, ok)
	written, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		written = table(t)
		require.NoError(t, os.WriteFile(docsFile, []byte(before+begin+written+end+after), 0o644))
	}
	require.Equal(t, table(t), written)
}

func TestALowBalanceIsToldOnceUntilItRises(t *testing.T) {
	t.Parallel()
	limit := money.MustParse("5")
	charge := func(amount, left string) wallet.UsageCharged {
		return wallet.UsageCharged{Charge: money.MustParse(amount), Currency: money.USD, Balances: wallet.Balances{Posted: money.MustParse(left), Held: money.MustParse("1")}}
	}
	credit := func(amount, left string) wallet.ToppedUp {
		return wallet.ToppedUp{Amount: money.MustParse(amount), Balances: wallet.Balances{Posted: money.MustParse(left)}}
	}
	adjust := func(amount, left string) wallet.Adjusted {
		return wallet.Adjusted{Amount: money.MustParse(amount), Balances: wallet.Balances{Posted: money.MustParse(left)}}
	}
	for name, row := range map[string]struct {
		event wallet.Event
		low   bool
	}{
		"above, to the threshold":                {charge("1", "5"), false},
		"from the threshold to below":            {charge("0.000000000001", "4.999999999999"), true},
		"far above to far below":                 {charge("9", "0"), true},
		"already below":                          {charge("1", "3.999999999999"), false},
		"charged nothing at the threshold":       {charge("0", "5"), false},
		"charged nothing below":                  {charge("0", "4"), false},
		"credit that leaves it below":            {credit("1", "4"), false},
		"credit that lifts it":                   {credit("3", "6"), false},
		"an adjustment down":                     {adjust("-2", "4"), true},
		"an adjustment up that leaves it below":  {adjust("2", "4"), false},
		"a hold, which takes what is available":  {wallet.HoldPlaced{Amount: money.MustParse("3"), Balances: wallet.Balances{Posted: money.MustParse("5"), Held: money.MustParse("3")}}, false},
		"a part that could not be collected":     {wallet.UsageCharged{Charge: money.MustParse("9"), Uncollectible: money.MustParse("8.5"), Balances: wallet.Balances{Posted: money.MustParse("4.7")}}, true},
		"the same, already below":                {wallet.UsageCharged{Charge: money.MustParse("9"), Uncollectible: money.MustParse("9"), Balances: wallet.Balances{Posted: money.MustParse("4.7")}}, false},
		"a release, which gives available back":  {wallet.HoldReleased{Balances: wallet.Balances{Posted: money.MustParse("4")}}, false},
		"nothing left, nothing that was over it": {charge("0.5", "0"), false},
	} {
		_, low := lowBalance(row.event, Source{}, &limit)
		require.Equal(t, row.low, low, name)
	}
	_, low := lowBalance(charge("9", "0"), Source{}, nil)
	require.False(t, low)
}

func TestDeliveryIDsAreStable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	id := DeliveryID(uuid.UUID{15: 1}, 0, 7, TypeChargeCreated, at)
	require.Equal(t, "019cb8b8-1e00-87e6-bc7a-a2d2eac65d72", id.String(), "released ids never change")
	others := []uuid.UUID{
		DeliveryID(uuid.UUID{15: 2}, 0, 7, TypeChargeCreated, at), DeliveryID(uuid.UUID{15: 1}, 1, 7, TypeChargeCreated, at),
		DeliveryID(uuid.UUID{15: 1}, 0, 8, TypeChargeCreated, at), DeliveryID(uuid.UUID{15: 1}, 0, 7, TypeBalanceLow, at),
	}
	require.NotContains(t, others, id)
}

// TestTheSignatureIsTheStandards checks the vector that the specification of Standard Webhooks publishes.
func TestTheSignatureIsTheStandards(t *testing.T) {
	t.Parallel()
	got := signature([][]byte{mustBase64(t, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
}

func mustBase64(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return raw
}

func TestWaitsGrowAndAreSpread(t *testing.T) {
	t.Parallel()
	most := func(n int64) int64 { return n - 1 }
	least := func(int64) int64 { return 0 }
	previous := time.Duration(0)
	for n := 1; n < 100; n++ {
		d := wait(n, 0, most)
		require.GreaterOrEqual(t, d, previous)
		require.LessOrEqual(t, d, longestWait)
		previous = d
		require.Zero(t, wait(n, 0, least))
	}
	require.Equal(t, firstWait, wait(1, 0, most))
	require.Equal(t, 2*firstWait, wait(2, 0, most))
	require.Equal(t, longestWait, previous)
	require.Equal(t, time.Hour, wait(1, time.Hour, least))
	require.Equal(t, longestAsked, wait(1, 1000*time.Hour, least))
	require.Equal(t, longestWait, wait(60, time.Second, most))
	require.Zero(t, rest(restAfter-1, most))
	require.Equal(t, firstRest, rest(restAfter, most))
	require.Equal(t, firstRest/2, rest(restAfter, least))
	require.Equal(t, longestRest, rest(1_000_000, most))
}
