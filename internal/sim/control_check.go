package sim

import "strings"

// check holds the controls against each other. source names, in messages, where they came from.
func (c *controls) check(source string) error {
	if c.words != unset && c.tools == 0 {
		return invalid(errorOfControl, source, "The control \"words\" needs tools that are called.")
	}
	if c.fault == "" {
		return c.checkFaultless(source)
	}
	known, _ := specOf(string(c.fault))
	if err := c.checkVariant(known, source); err != nil {
		return err
	}
	if c.after != unset && !known.strikes {
		return invalid(errorOfControl, source, "The control \"after\" does not go with fault %s.", c.fault)
	}
	if c.key != "" && c.times == unset {
		return invalid(errorOfControl, source, "The control \"key\" needs \"times\".")
	}
	if c.retryAfter != unset && known.status == 0 {
		return invalid(errorOfControl, source, "The control \"retry_after\" needs a fault that is a status.")
	}
	if c.piece != unset && c.fault != FaultSlowDrip {
		return invalid(errorOfControl, source, "The control \"piece\" needs fault slow_drip.")
	}
	return nil
}

func (c *controls) checkFaultless(source string) error {
	for _, control := range [...]struct {
		name  string
		given bool
	}{
		{"variant", c.variant != ""},
		{"times", c.times != unset},
		{"key", c.key != ""},
		{"after", c.after != unset},
		{"retry_after", c.retryAfter != unset},
		{"piece", c.piece != unset},
	} {
		if control.given {
			return invalid(errorOfControl, source, "The control %q needs a fault.", control.name)
		}
	}
	return nil
}

func (c *controls) checkVariant(known spec, source string) error {
	if c.variant == "" {
		if len(known.variants) > 0 {
			c.variant = known.variants[0]
		}
		return nil
	}
	for _, variant := range known.variants {
		if variant == c.variant {
			return nil
		}
	}
	if len(known.variants) == 0 {
		return invalid(errorOfControl, source, "Fault %s has no variants.", c.fault)
	}
	return invalid(errorOfControl, source, "Fault %s has no variant %q; there are %s.", c.fault, clip(c.variant), strings.Join(known.variants, ", "))
}

// resolve fills in what was left unset, once it is known whether the fault strikes this call.
func (c *controls) resolve(o *Options, strikes bool) {
	if !strikes {
		c.fault, c.variant = "", ""
	}
	c.tokensGiven = c.tokens != unset
	if !c.tokensGiven {
		c.tokens = o.Tokens
		if c.fault == FaultLong {
			c.tokens = defaultLong
		}
	}
	if c.fault != FaultSlowDrip {
		return
	}
	if c.piece == unset {
		c.piece = defaultPiece
	}
	if c.between == 0 {
		c.between = defaultDrip
	}
}
