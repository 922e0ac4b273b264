// Package column moves values between Go and Postgres: whole columns as arrays on the way in, exact amounts on the way out.
//
// A projection hands its rows over as one array a column. They are written in PostgreSQL's binary array format (array_recv in
// src/backend/utils/adt/arrayfuncs.c) right away: number of dimensions, null flag, element type, then the dimension's length and
// lower bound, then each element as its length and its bytes; a NULL has length -1. A generic encoder costs more than the folding.
// A field of a binary COPY looks like an element of an array, so the same columns can be copied (Rows); some only so.
package column

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// Column is a column of values. The zero value of each kind is empty and ready.
type Column interface {
	// Len is the number of values.
	Len() int
	// elements are the values, each with its length before it.
	elements() []byte
	release()
}

// Array is a column that can be a parameter too.
type Array interface {
	Column
	// Binary is the array in PostgreSQL's binary format. Nothing may be added afterwards.
	Binary() []byte
}

const (
	headSize = 20
	null     = ^uint32(0) // the length -1
)

type array struct {
	n     int
	nulls bool
	b     []byte
}

// Len is the number of values.
func (a *array) Len() int { return a.n }

func (a *array) elements() []byte { return a.b[min(headSize, len(a.b)):] }

func (a *array) begin() {
	if a.b == nil {
		a.b = append(buffer(), make([]byte, headSize)...)
	}
}

func (a *array) element(size int) {
	a.begin()
	a.n++
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(size)) //nolint:gosec // far below 4 GiB
}

func (a *array) none() {
	a.element(0)
	a.nulls = true
	binary.BigEndian.PutUint32(a.b[len(a.b)-4:], null)
}

func (a *array) fixed64(v int64) {
	a.element(8)
	a.b = binary.BigEndian.AppendUint64(a.b, uint64(v)) //nolint:gosec // two's complement is the format
}

func (a *array) binary(elementOID uint32) []byte {
	if a.b == nil {
		a.b = make([]byte, headSize)
	}
	putHead(a.b, elementOID, a.n, a.nulls)
	return a.b
}

// putHead writes what comes before the elements of an array.
func putHead(b []byte, elementOID uint32, n int, nulls bool) {
	dimensions, flags := uint32(1), uint32(0)
	if nulls {
		flags = 1
	}
	binary.BigEndian.PutUint32(b, dimensions)
	binary.BigEndian.PutUint32(b[4:], flags)
	binary.BigEndian.PutUint32(b[8:], elementOID)
	binary.BigEndian.PutUint32(b[12:], uint32(n)) //nolint:gosec // a batch's length
	binary.BigEndian.PutUint32(b[16:], 1)
}

// UUIDs is a uuid[].
type UUIDs struct{ array }

// Add appends a value.
func (c *UUIDs) Add(id uuid.UUID) {
	c.element(len(id))
	c.b = append(c.b, id[:]...)
}

// Maybe appends a value, or NULL for nil.
func (c *UUIDs) Maybe(id *uuid.UUID) {
	if id == nil {
		c.none()
		return
	}
	c.Add(*id)
}

// Null appends a value that may be none.
func (c *UUIDs) Null(id uuid.NullUUID) {
	if !id.Valid {
		c.none()
		return
	}
	c.Add(id.UUID)
}

// Binary implements Array.
func (c *UUIDs) Binary() []byte { return c.binary(pgtype.UUIDOID) }

// Ints is a bigint[].
type Ints struct{ array }

// Add appends a value.
func (c *Ints) Add(n int64) { c.fixed64(n) }

// Maybe appends a value, or NULL for nil.
func (c *Ints) Maybe(n *int64) {
	if n == nil {
		c.none()
		return
	}
	c.Add(*n)
}

// Binary implements Array.
func (c *Ints) Binary() []byte { return c.binary(pgtype.Int8OID) }

// Texts is a text[].
type Texts struct{ array }

// Add appends a value.
func (c *Texts) Add(s string) {
	c.element(len(s))
	c.b = append(c.b, s...)
}

// Maybe appends a value, or NULL for nil.
func (c *Texts) Maybe(s *string) {
	if s == nil {
		c.none()
		return
	}
	c.Add(*s)
}

// Write appends a value that is written in place, such as a document. After an error the column is of no use.
func (c *Texts) Write(write func(dst []byte) ([]byte, error)) (err error) {
	c.element(0)
	start := len(c.b)
	if c.b, err = write(c.b); err != nil {
		return err
	}
	c.end(start)
	return nil
}

// Binary implements Array.
func (c *Texts) Binary() []byte { return c.binary(pgtype.TextOID) }

// Amounts is a numeric[].
type Amounts struct{ array }

// Add appends a value.
func (c *Amounts) Add(a money.Amount) {
	c.begin()
	c.amount(a)
	c.n++
}

// Maybe appends a value, or NULL for nil.
func (c *Amounts) Maybe(a *money.Amount) {
	if a == nil {
		c.none()
		return
	}
	c.Add(*a)
}

// Binary implements Array.
func (c *Amounts) Binary() []byte { return c.binary(pgtype.NumericOID) }

// Times is a timestamptz[].
type Times struct{ array }

// Add appends a value.
func (c *Times) Add(t time.Time) { c.fixed64(pgwire.Micros(t)) }

// Maybe appends a value, or NULL for nil.
func (c *Times) Maybe(t *time.Time) {
	if t == nil {
		c.none()
		return
	}
	c.Add(*t)
}

// Binary implements Array.
func (c *Times) Binary() []byte { return c.binary(pgtype.TimestamptzOID) }

// Dates is a date[].
type Dates struct{ array }

// Maybe appends the day of a time that is midnight in UTC, or NULL for the zero time.
func (c *Dates) Maybe(day time.Time) {
	if day.IsZero() {
		c.none()
		return
	}
	c.element(4)
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(pgwire.Days(day))) //nolint:gosec // two's complement is the format
}

// Binary implements Array.
func (c *Dates) Binary() []byte { return c.binary(pgtype.DateOID) }

// Bools is a boolean[].
type Bools struct{ array }

// Add appends a value.
func (c *Bools) Add(v bool) {
	c.element(1)
	b := byte(0)
	if v {
		b = 1
	}
	c.b = append(c.b, b)
}

// Maybe appends a value, or NULL for nil.
func (c *Bools) Maybe(v *bool) {
	if v == nil {
		c.none()
		return
	}
	c.Add(*v)
}

// Binary implements Array.
func (c *Bools) Binary() []byte { return c.binary(pgtype.BoolOID) }

// Bytes is a bytea[].
type Bytes struct{ array }

// Maybe appends a value, or NULL for nil.
func (c *Bytes) Maybe(v []byte) {
	if v == nil {
		c.none()
		return
	}
	c.element(len(v))
	c.b = append(c.b, v...)
}

// Binary implements Array.
func (c *Bytes) Binary() []byte { return c.binary(pgtype.ByteaOID) }
