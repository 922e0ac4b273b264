package export

import (
	"io"
	"math/big"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

const journalHeader = "position,leg,recorded_at,type,wallet,generation,account,currency,amount,event_id"

// about is the wallet that an event is of, and the generation, "" for none.
func (d *decoded) about() (walletID, generation string) {
	if d.row.StreamID.Kind() == "wallet" {
		walletID = d.row.StreamID.Identity()
	}
	var hold uuid.UUID
	switch e := d.data.(type) {
	case wallet.HoldPlaced:
		hold = e.HoldID
	case wallet.HoldReleased:
		hold = e.HoldID
	case wallet.HoldExpired:
		hold = e.HoldID
	case wallet.UsageCharged:
		hold = e.HoldID
	case wallet.ChargeCorrected:
		hold = e.HoldID
	default:
		return walletID, ""
	}
	return walletID, domain.GenerationID(hold)
}

type csvJournal struct{ table }

func newCSVJournal(w io.Writer) (*csvJournal, error) {
	t, err := newTable(w, journalHeader)
	return &csvJournal{t}, err
}

// write appends a record a leg. Amounts are numbers, also those below zero, so they have no guard.
func (c *csvJournal) write(events []decoded) (rows int64, err error) {
	for i := range events {
		d := &events[i]
		walletID, generation := d.about()
		for n, leg := range d.entry {
			c.plain(digits(d.row.Position))
			c.plain(digits(int64(n + 1)))
			c.plain(stamp(d.row.RecordedAt))
			c.plain(d.row.Type) // the registry knows it
			c.text(walletID)
			c.plain(generation)
			c.text(string(leg.Account))
			c.text(string(d.currency))
			c.plain(leg.Amount.String())
			c.plain(d.row.EventID.String())
			c.end()
			rows++
		}
	}
	return rows, c.flush()
}

// parquetLeg is a row of the journal.
type parquetLeg struct {
	Position   int64    `parquet:"position,delta"`
	Leg        int32    `parquet:"leg"`
	RecordedAt int64    `parquet:"recorded_at,timestamp(microsecond)"`
	Type       string   `parquet:"type,dict"`
	Wallet     string   `parquet:"wallet"`
	Generation string   `parquet:"generation"`
	Account    string   `parquet:"account"`
	Currency   string   `parquet:"currency,dict"`
	Amount     []byte   `parquet:"amount,decimal(12:30)"`
	EventID    [16]byte `parquet:"event_id,uuid"`
}

type parquetJournal struct{ parquetTable[parquetLeg] }

func newParquetJournal(w io.Writer) *parquetJournal {
	return &parquetJournal{newParquetTable[parquetLeg](w)}
}

func (p *parquetJournal) write(events []decoded) (int64, error) {
	for i := range events {
		d := &events[i]
		walletID, generation := d.about()
		for n, leg := range d.entry {
			p.rows = append(p.rows, parquetLeg{
				Position: d.row.Position, Leg: int32(n + 1), RecordedAt: d.row.RecordedAt.UnixMicro(), Type: d.row.Type,
				Wallet: walletID, Generation: generation, Account: string(leg.Account), Currency: string(d.currency),
				Amount: unscaled(leg.Amount), EventID: d.row.EventID,
			})
		}
	}
	return p.flush()
}

// The Parquet decimal: 30 digits, 12 of them after the point, in 13 bytes.
const (
	amountScale = 12
	amountBytes = 13
)

// unscaled is an amount in units of 10^-12, two's complement, the highest byte first.
func unscaled(a money.Amount) []byte {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	n, _ := new(big.Int).SetString(whole+fraction+strings.Repeat("0", amountScale-len(fraction)), 10) // String is decimal
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*amountBytes))
	}
	return n.FillBytes(make([]byte, amountBytes))
}
