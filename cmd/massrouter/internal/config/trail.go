package config

import "time"

// Trail is the audit trail.
type Trail struct {
	AuditRetention time.Duration `env:"MASSROUTER_AUDIT_ADDRESS_RETENTION" doc:"How long entries of the audit trail of nobody who was signed in (sign-ins that failed, keys, the operator's token, commands) keep address and user agent, from 24h to 87600h. Then these are erased; the entries stay, and stay proved." used:"work dev"`
}

const (
	minAuditRetention = 24 * time.Hour
	maxAuditRetention = 10 * 365 * 24 * time.Hour
)

func (c Trail) validate(p *Problems) {
	p.add(c.AuditRetention >= minAuditRetention && c.AuditRetention <= maxAuditRetention, "MASSROUTER_AUDIT_ADDRESS_RETENTION",
		"%s is not between %s and %s", c.AuditRetention, minAuditRetention, maxAuditRetention)
}
