package wallet

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// OwnKey says that a call is made with a key of the customer's at the vendor: the vendor bills the customer, who owes the platform a part of what
// the call would cost otherwise. Each rate of the pinned price is Rate of itself then (money.Price.Part), in the hold and in the charge.
type OwnKey struct {
	ID   uuid.UUID   `json:"id"`   // of the customer's key
	Rate money.Price `json:"rate"` // from 0 to 1
}

// check refuses rates above the whole price.
func (k *OwnKey) check() error {
	if k != nil && (k.ID == uuid.Nil || k.Rate.Cmp(money.MustPrice("1")) > 0) {
		return domain.Errorf(domain.CodeInvalid, "a call with the customer's own key names it, and costs at most its price")
	}
	return nil
}

// share says who is billed what the vendor asks for: the platform, or with a key of the customer's the customer.
func (k *OwnKey) share(bill money.Amount) (platform, customer money.Amount) {
	if k == nil {
		return bill, money.Zero()
	}
	return money.Zero(), bill
}

// clone is a copy.
func (k *OwnKey) clone() *OwnKey {
	if k == nil {
		return nil
	}
	clone := *k
	return &clone
}

// Same says whether both are the same key at the same rate, or both none.
func (k *OwnKey) Same(other *OwnKey) bool {
	if k == nil || other == nil {
		return k == other
	}
	return k.ID == other.ID && k.Rate == other.Rate
}

const ownCredential = "own/"

// OwnCredential is the name that a call's record has for a key of the customer's (Call.Credential); each change of the key is another version.
func OwnCredential(id uuid.UUID, version int64) string {
	return ownCredential + id.String() + "." + strconv.FormatInt(version, 10)
}

// OwnKeyOf is the key of the customer's that a credential is; false for the platform's.
func OwnKeyOf(credential string) (uuid.UUID, bool) {
	rest, own := strings.CutPrefix(credential, ownCredential)
	name, version, versioned := strings.Cut(rest, ".")
	if _, err := strconv.ParseInt(version, 10, 64); !own || !versioned || err != nil {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(name)
	return id, err == nil
}

// AppendJSON appends the stored form.
func (k *OwnKey) AppendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.ID("id", k.ID)
	o.Value("rate", k.Rate.AppendJSON)
	return o.End()
}
