package sms

import (
	"context"
	"errors"
)

// Route sends to mainland China by those who have templates there, and to the rest of the world by the others. Where there are several they take turns with
// the attempts, so that one who is away is not asked twice in a row.
type Route struct {
	China []Sender
	World []Sender
}

// NewRoute prefers Aliyun and Tencent for Chinese numbers and Twilio for all others; who is alone sends everything. Those that are nil are left out.
func NewRoute(aliyun *Aliyun, tencent *Tencent, twilio *Twilio) Route {
	var r Route
	if aliyun != nil {
		r.China = append(r.China, aliyun)
	}
	if tencent != nil {
		r.China = append(r.China, tencent)
	}
	if twilio != nil {
		r.World = append(r.World, twilio)
	}
	if len(r.China) == 0 {
		r.China = r.World
	}
	if len(r.World) == 0 {
		r.World = r.China
	}
	return r
}

// Send implements Sender.
func (r Route) Send(ctx context.Context, m Message) (string, error) {
	by := r.World
	if m.To.Chinese() {
		by = r.China
	}
	if len(by) == 0 {
		return "", errors.New("there is no provider of text messages for this number")
	}
	return by[max(m.Attempt-1, 0)%len(by)].Send(ctx, m)
}
