package usage

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// tail makes a branch of rows that are in no table.
func (q *question) tail(s *source, b *batch, columns, where string) {
	var k tailKeys
	var names, list, arrays []string
	if q.byError {
		var class []string
		var n []int64
		for i := range b.errors.order {
			e := &b.errors.order[i]
			k.add(&e.key)
			class, n = append(class, e.class), append(n, *b.errors.byKey[*e])
		}
		names, list, arrays = []string{"class", "errors"}, []string{"v.class", "v.errors"}, []string{s.arg(class) + "::text[]", s.arg(n) + "::bigint[]"}
	} else {
		rows := make([]*Sums, len(b.rows.order))
		for i := range b.rows.order {
			k.add(&b.rows.order[i])
			rows[i] = b.rows.byKey[b.rows.order[i]]
		}
		for _, at := range q.needs {
			name := sumList()[at]
			names, list = append(names, name), append(list, "v."+name+"::numeric")
			texts := make([]string, len(rows))
			for i, row := range rows {
				texts[i] = row.text(at)
			}
			arrays = append(arrays, s.arg(texts)+"::text[]")
		}
	}
	const keys = keyNames + ", vendor, "
	s.branches = append(s.branches, fmt.Sprintf(`SELECT %s FROM (SELECT v.bucket, v.wallet_id, v.key_id, v.app_id, v.model, v.endpoint, v.currency, v.vendor, %s
		FROM unnest(%s) AS v(%s)) AS u(%[4]s) WHERE u.bucket >= %[5]s AND u.bucket < %[6]s AND %[7]s`,
		columns, strings.Join(list, ", "), strings.Join(append(k.arrays(s), arrays...), ", "), keys+strings.Join(names, ", "), s.arg(q.From), s.arg(q.To), where))
}

// tailKeys are the columns of keys.
type tailKeys struct {
	bucket                            []time.Time
	wallet, key, app                  []uuid.UUID
	model, endpoint, currency, vendor []string
}

func (t *tailKeys) add(k *key) {
	t.bucket = append(t.bucket, k.at())
	t.wallet, t.key, t.app = append(t.wallet, k.wallet), append(t.key, k.key), append(t.app, k.app)
	t.model, t.endpoint = append(t.model, k.model), append(t.endpoint, k.endpoint)
	t.currency, t.vendor = append(t.currency, string(k.currency)), append(t.vendor, k.vendor())
}

func (t *tailKeys) arrays(s *source) []string {
	return []string{
		s.arg(t.bucket) + "::timestamptz[]", s.arg(t.wallet) + "::uuid[]", s.arg(t.key) + "::uuid[]", s.arg(t.app) + "::uuid[]", s.arg(t.model) + "::text[]",
		s.arg(t.endpoint) + "::text[]", s.arg(t.currency) + "::text[]", s.arg(t.vendor) + "::text[]",
	}
}
