package executor_test

import (
	"strconv"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
)

// A plan is some executors on one log, what they are asked and when, and what their store's calls meet.
type plan struct {
	executors, batch, second, cache, tail, queue int
	ahead                                        bool          // the first executor starts deciding ahead of its commits
	stop                                         time.Duration // of the first executor; 0 is at the end
	clock                                        []time.Duration
	faults                                       []fault
	orders                                       []order
}

// order is one call of Do.
type order struct {
	at       time.Duration
	executor int
	again    int           // repeats the command of an order before it; -1 is a command of its own
	patience time.Duration // 0 has no end
	command  command
}

// command is something to do with jars of a few marbles; all look at the lid too, and most need it open: an even number.
type command struct {
	id     uuid.UUID
	kind   kind
	a, b   int
	n      int
	forget bool
}

type kind string

const (
	fill   kind = "fill"   // a by n, which may be less than none
	timely kind = "timely" // fill, in milliseconds with an even number
	move   kind = "move"   // n from a to b, in three events
	turn   kind = "turn"   // the lid
	see    kind = "see"    // no event
	panics kind = "panics" // after an event
	breaks kind = "breaks" // an invariant
)

const (
	jars  = 4
	lid   = "lid"
	holds = 6 // marbles in a jar
	quiet = 8 // appends after which an executor decides ahead
	ms    = time.Millisecond
)

func drawPlan(t *rapid.T) plan {
	span := func(most int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(0, most*10), func(n int) time.Duration { return time.Duration(n) * ms / 10 })
	}
	p := plan{
		executors: rapid.IntRange(1, 3).Draw(t, "executors"),
		batch:     rapid.IntRange(1, 8).Draw(t, "batch"),
		second:    rapid.IntRange(1, 4).Draw(t, "second"),
		cache:     rapid.SampledFrom([]int{1, 2, 100}).Draw(t, "cache"),
		tail:      rapid.SampledFrom([]int{1, 5, 100}).Draw(t, "tail"),
		queue:     rapid.SampledFrom([]int{2, 100}).Draw(t, "queue"),
		ahead:     rapid.Bool().Draw(t, "ahead"),
		stop:      rapid.SampledFrom([]time.Duration{0, 0, 15 * ms}).Draw(t, "stop"),
		clock:     rapid.SliceOfN(rapid.SampledFrom([]time.Duration{0, 0, 0, -5 * ms, 3 * ms}), 1, 10).Draw(t, "clock"),
	}
	fates := []fate{fine, fine, fine, fine, fine, fine, fine, away, refused, moved, conflict, lostBefore, lostAfter, lostDuring, hung}
	p.faults = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault {
		return fault{rapid.SampledFrom(fates).Draw(t, "fate"), span(4).Draw(t, "delay"), span(30).Draw(t, "linger")}
	}), 0, 60).Draw(t, "faults")
	for i := range rapid.IntRange(1, 60).Draw(t, "orders") {
		o := order{
			at: span(30).Draw(t, "at"), executor: rapid.IntRange(0, p.executors-1).Draw(t, "executor"), again: -1,
			patience: rapid.SampledFrom([]time.Duration{0, 0, 0, 3 * ms}).Draw(t, "patience"),
		}
		if i > 0 && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			o.again = rapid.IntRange(0, i-1).Draw(t, "of")
			o.command = p.orders[o.again].command
		} else {
			o.command = drawCommand(t)
		}
		p.orders = append(p.orders, o)
	}
	return p
}

func drawCommand(t *rapid.T) command {
	jar := rapid.IntRange(0, jars-1)
	return command{
		id:   uuid.New(),
		kind: rapid.SampledFrom([]kind{fill, fill, fill, fill, timely, timely, move, move, move, turn, see, panics, breaks}).Draw(t, "kind"),
		a:    jar.Draw(t, "a"), b: jar.Draw(t, "b"), n: rapid.IntRange(-3, 4).Draw(t, "n"), forget: rapid.Bool().Draw(t, "forget"),
	}
}

// put is an event to append.
type put struct {
	jar string
	n   int
}

// judge is the decision: what to append to jars with so many marbles at a time, or not.
func (c command) judge(in map[string]int, now time.Time) (puts []put, ok bool) {
	a, b := strconv.Itoa(c.a), strconv.Itoa(c.b)
	open := in[lid]%2 == 0
	switch c.kind {
	case turn:
		return []put{{lid, 1}}, true
	case see:
		return nil, true
	case panics, breaks:
		return []put{{a, -100}}, true
	case move:
		return []put{{a, -c.n}, {b, c.n}, {a, 0}}, open && a != b && fits(in[a]-c.n) && fits(in[b]+c.n)
	case timely:
		open = open && now.UnixMilli()%2 == 0
	case fill:
	}
	return []put{{a, c.n}}, open && fits(in[a]+c.n)
}

func fits(n int) bool { return n >= 0 && n <= holds }

// request is the command as the executor gets it. Its outcome is what it has seen: the jars when it was decided.
func (c command) request() *executor.Request {
	names := []string{strconv.Itoa(c.a), lid}
	if c.kind == move {
		names = append(names, strconv.Itoa(c.b))
	}
	if c.kind == see {
		names = []string{"0", "1", "2", "3", lid}
	}
	r := look(c.id, names...)
	r.Name, r.Forgets = string(c.kind), func(domain.Code) bool { return c.forget }
	looked := r.Decide
	r.Decide = func(d *executor.Decision) (any, error) {
		value, err := looked(d)
		if err != nil {
			return nil, err
		}
		in := value.(map[string]int)
		puts, ok := c.judge(in, d.Now())
		if !ok {
			refusal := domain.Errorf(domain.CodeConflict, "it does not fit")
			for name, n := range in {
				refusal = refusal.With(name, strconv.Itoa(n))
			}
			return nil, refusal
		}
		for _, p := range puts {
			if err := d.Append(stream(p.jar), added{N: p.n, After: d.Get(stream(p.jar)).(*jar).In + p.n}); err != nil {
				return nil, err
			}
		}
		if c.kind == panics {
			panic("half way")
		}
		return in, nil
	}
	return r
}
