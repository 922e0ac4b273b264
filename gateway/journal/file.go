package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// The file: magic, then frames. A frame is the length of its payload and the payload's CRC-32C, four bytes each in big
// endian, and the payload: a kind, the record's id, its body.
const (
	magic      = "massrouter journal 1\n"
	headBytes  = 8
	fixedBytes = 1 + 16 // kind and id
	filePerm   = 0o600
	dirPerm    = 0o700
)

const (
	kindAppend byte = 'a'
	kindRemove byte = 'r'
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func frameSize(body int) int64 { return int64(headBytes + fixedBytes + body) }

func frameOf(kind byte, id uuid.UUID, body []byte) []byte {
	f := make([]byte, headBytes, int(frameSize(len(body))))
	f = append(append(append(f, kind), id[:]...), body...)
	binary.BigEndian.PutUint32(f, uint32(len(f)-headBytes)) //nolint:gosec // at most MaxBody and a bit
	binary.BigEndian.PutUint32(f[4:], crc32.Checksum(f[headBytes:], castagnoli()))
	return f
}

// parse takes one frame off b; ok is false when there is no whole and sound one.
func parse(b []byte) (kind byte, id uuid.UUID, body, rest []byte, ok bool) {
	if len(b) < headBytes+fixedBytes {
		return 0, id, nil, nil, false
	}
	n := int(binary.BigEndian.Uint32(b))
	if n < fixedBytes || n > fixedBytes+MaxBody || len(b) < headBytes+n {
		return 0, id, nil, nil, false
	}
	payload := b[headBytes : headBytes+n]
	if crc32.Checksum(payload, castagnoli()) != binary.BigEndian.Uint32(b[4:]) {
		return 0, id, nil, nil, false
	}
	return payload[0], uuid.UUID(payload[1:fixedBytes]), payload[fixedBytes:], b[headBytes+n:], true
}

func openFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirPerm); err != nil {
		return nil, fmt.Errorf("make the journal's folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, filePerm) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// read folds the file and cuts a torn end off.
func (j *Journal) read() error {
	raw, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	if !bytes.HasPrefix(raw, []byte(magic)) {
		if !bytes.HasPrefix([]byte(magic), raw) {
			return fmt.Errorf("%w: %s", ErrFormat, j.path)
		}
		return j.begin() // new, or torn in its first line
	}
	rest := raw[len(magic):]
	for {
		kind, id, body, next, ok := parse(rest)
		if !ok {
			break
		}
		j.fold(kind, id, body)
		rest = next
	}
	j.size = int64(len(raw) - len(rest))
	if len(rest) > 0 {
		if err := j.cutOff(rest); err != nil {
			return err
		}
	}
	if _, err := j.file.Seek(j.size, io.SeekStart); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return j.tidy()
}

func (j *Journal) fold(kind byte, id uuid.UUID, body []byte) {
	old, there := j.pending[id]
	switch {
	case kind == kindAppend && !there:
		j.remember(id, body)
	case kind == kindRemove && there:
		delete(j.pending, id)
		j.live -= frameSize(len(old))
		j.forget(id)
	}
}

// forget drops an id from the order; it is the oldest nearly always.
func (j *Journal) forget(id uuid.UUID) {
	if len(j.order) > 0 && j.order[0] == id {
		j.order = j.order[1:]
		return
	}
	for i := range j.order {
		if j.order[i] == id {
			j.order = append(j.order[:i], j.order[i+1:]...)
			return
		}
	}
}

// cutOff keeps what it cuts, for somebody to look at.
func (j *Journal) cutOff(rest []byte) error {
	j.torn = int64(len(rest))
	beside, err := os.OpenFile(j.path+".torn", os.O_WRONLY|os.O_CREATE|os.O_APPEND, filePerm)
	if err != nil {
		return fmt.Errorf("keep the torn end of the journal: %w", err)
	}
	_, err = beside.Write(rest)
	if err := errors.Join(err, beside.Sync(), beside.Close()); err != nil {
		return fmt.Errorf("keep the torn end of the journal: %w", err)
	}
	if err := errors.Join(j.file.Truncate(j.size), j.file.Sync()); err != nil {
		return fmt.Errorf("cut the torn end of the journal: %w", err)
	}
	return nil
}

// begin writes the first line and makes the file's name durable.
func (j *Journal) begin() error {
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	if _, err := j.file.WriteAt([]byte(magic), 0); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	j.size = int64(len(magic))
	if _, err := j.file.Seek(j.size, io.SeekStart); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	if err := errors.Join(j.file.Sync(), syncDir(j.path)); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// write appends a frame to the file, whole or not at all.
func (j *Journal) write(frame []byte) error {
	if j.broken != nil {
		return j.broken
	}
	n, err := j.file.Write(frame)
	if err == nil {
		j.size += int64(n)
		return nil
	}
	err = fmt.Errorf("write the journal: %w", err)
	if back := j.rewind(); back != nil {
		j.broken = fmt.Errorf("%w: %w", ErrBroken, back)
	}
	return err
}

func (j *Journal) rewind() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// tidy throws out what was removed, when that is worth it: everything, or most of a large file.
func (j *Journal) tidy() error {
	switch {
	case j.syncing || j.broken != nil:
		return nil
	case len(j.order) == 0 && j.size > int64(len(magic)):
		j.size = int64(len(magic))
		if err := j.rewind(); err != nil {
			j.broken = fmt.Errorf("%w: %w", ErrBroken, err)
			return j.broken
		}
		return nil
	case j.size > compactAt && j.live < j.size/2:
		return j.compact()
	}
	return nil
}

// compact writes what is there to a new file and puts it in the old one's place.
func (j *Journal) compact() error {
	next, err := j.rewrite()
	if err != nil {
		j.broken = fmt.Errorf("%w: compact: %w", ErrBroken, err) // which file has the name is unknown
		return j.broken
	}
	old := j.file
	j.file = next
	j.synced = j.written
	if err := old.Close(); err != nil {
		return fmt.Errorf("compact the journal: %w", err)
	}
	return nil
}

func (j *Journal) rewrite() (_ *os.File, err error) {
	name := j.path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	next, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, next.Close())
		}
	}()
	var all bytes.Buffer
	all.WriteString(magic)
	for _, id := range j.order {
		all.Write(frameOf(kindAppend, id, j.pending[id]))
	}
	if _, err := next.Write(all.Bytes()); err != nil {
		return nil, err
	}
	if err := next.Sync(); err != nil {
		return nil, err
	}
	if err := os.Rename(name, j.path); err != nil {
		return nil, err
	}
	j.size = int64(all.Len())
	return next, syncDir(j.path)
}
