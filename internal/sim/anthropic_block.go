package sim

import (
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// anthropicBlock is what is known of one block of a content; its type may come after its other members.
type anthropicBlock struct {
	kind      string
	has       [8]string // names of the members that came, as far as there is room
	members   int
	id        string
	hash      uint64 // of the reasoning
	signature string
}

// blockForm is what a type of block has to have and may have. The members that all may have are not in it.
type blockForm struct {
	needs, may []string
	role       byte // whose messages it may stand in; 0 is both
}

// anthropicForm looks a type of block up. Blocks of the vendor's own tools are taken as they are.
func anthropicForm(kind string) (form blockForm, known, checked bool) {
	switch kind {
	case "text":
		return blockForm{needs: []string{"text"}, may: []string{"citations"}}, true, true
	case "image":
		return blockForm{needs: []string{"source"}}, true, true
	case "document":
		return blockForm{needs: []string{"source"}, may: []string{"title", "context", "citations"}}, true, true
	case "search_result":
		return blockForm{needs: []string{"content", "source", "title"}, may: []string{"citations"}}, true, true
	case "tool_use":
		return blockForm{needs: []string{"id", "name", "input"}, may: []string{"caller"}, role: roleAssistant}, true, true
	case "tool_result":
		return blockForm{needs: []string{"tool_use_id"}, may: []string{"content", "is_error"}, role: roleUser}, true, true
	case "thinking":
		return blockForm{needs: []string{"thinking", "signature"}, role: roleAssistant}, true, true
	case "redacted_thinking":
		return blockForm{needs: []string{"data"}, role: roleAssistant}, true, true
	}
	vendors := kind == "server_tool_use" || kind == "container_upload" || strings.HasSuffix(kind, "_tool_result")
	return blockForm{}, vendors, false
}

// block reads one block of a content.
func (a *anthropicReader) block(t *anthropicTurn) error {
	p, k := a.p, anthropicBlock{}
	if err := p.members(func(name []byte) error { return a.blockMember(t, &k, name) }); err != nil {
		return err
	}
	if k.kind == "" {
		return p.lacks("type")
	}
	form, known, checked := anthropicForm(k.kind)
	if !known {
		return p.bad("Input tag %q found using 'type' does not match any of the expected tags", clip(k.kind))
	}
	if checked {
		if err := a.blockForm(&k, form); err != nil {
			return err
		}
	}
	return a.addBlock(t, &k, form)
}

// blockForm holds the members that came against those of the type.
func (a *anthropicReader) blockForm(k *anthropicBlock, form blockForm) error {
	p := a.p
	names := k.has[:min(k.members, len(k.has))]
	for _, name := range form.needs {
		if !slices.Contains(names, name) {
			return p.lacks(k.kind + "." + name)
		}
	}
	for _, name := range names {
		if name != "type" && name != "cache_control" && !slices.Contains(form.needs, name) && !slices.Contains(form.may, name) {
			p.push([]byte(k.kind + "." + name))
			return p.unknown()
		}
	}
	if k.members > len(k.has) {
		return p.unknown()
	}
	return nil
}

// addBlock counts a block and holds it against what its message has already.
func (a *anthropicReader) addBlock(t *anthropicTurn, k *anthropicBlock, form blockForm) error {
	if t.blocks++; t.blocks == 1 {
		t.first = k.kind
	}
	if k.kind != "text" {
		t.trailing = false
	}
	if form.role != 0 && t.role != 0 && t.role != form.role {
		return invalid(codeOrder, a.p.here(), "%s: `%s` blocks cannot be in messages of this role", a.p.here(), k.kind)
	}
	switch k.kind {
	case "image", "document", "search_result":
		t.parts++
	case "tool_use":
		t.uses = append(t.uses, k.id)
	case "tool_result":
		t.late = t.late || len(t.results) != t.blocks-1
		t.results = append(t.results, k.id)
	case "thinking":
		if !signed([]byte(k.signature), k.hash) && !signed([]byte(k.signature), xxhash.Sum64(nil)) {
			return invalid("invalid_signature", a.p.here(), "%s: Invalid `signature` in `thinking` block", a.p.here())
		}
	}
	return nil
}

func (a *anthropicReader) blockMember(t *anthropicTurn, k *anthropicBlock, name []byte) (err error) {
	p := a.p
	if k.members < len(k.has) {
		k.has[k.members] = internBlockMember(name)
	}
	k.members++
	switch string(name) {
	case "type":
		text, err := p.word()
		k.kind = internBlockKind(text)
		return err
	case "text":
		text, err := p.word()
		if err != nil {
			return err
		}
		return a.text(t, text)
	case "cache_control":
		return a.cacheControl()
	case "id", "tool_use_id":
		text, err := p.word()
		if k.id = string(text); err == nil && !callableIn(k.id, maxModelName) {
			return p.bad("String should match pattern '^[a-zA-Z0-9_-]+$'")
		}
		return err
	case "name":
		text, err := p.word()
		t.bytes += int64(len(text))
		return err
	case "input":
		value, err := p.raw('{', "a valid dictionary")
		t.bytes += int64(len(value))
		return err
	case "content":
		return a.inner(t)
	case "is_error":
		_, err = p.truth()
		return err
	case "thinking":
		text, err := p.word()
		k.hash = xxhash.Sum64(text)
		t.bytes += int64(len(text))
		return err
	case "signature":
		text, err := p.word()
		k.signature = string(text)
		return err
	case "data":
		_, err = p.word()
		return err
	case "source":
		return a.source()
	}
	return p.pass()
}

// source reads where an image or a document comes from; of a search result it is a string.
func (a *anthropicReader) source() error {
	p := a.p
	if p.dec.PeekKind() == '"' {
		return p.pass()
	}
	kind, data := "", false
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "type":
			text, err := p.word()
			kind = string(text)
			return err
		case "data", "url", "file_id", "content":
			data = true
			return p.pass()
		case "media_type":
			_, err := p.word()
			return err
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case kind != "base64" && kind != "url" && kind != "file" && kind != "text" && kind != "content":
		return p.bad("Input tag %q does not match any of the expected tags: 'base64', 'url', 'file', 'text', 'content'", clip(kind))
	case !data:
		return p.lacks(kind + ".data")
	}
	return nil
}

// inner reads the content of a tool's result.
func (a *anthropicReader) inner(t *anthropicTurn) error {
	p := a.p
	if p.dec.PeekKind() == '"' {
		text, err := p.word()
		t.bytes += int64(len(text))
		_, _ = p.digest.Write(text)
		return err
	}
	if p.dec.PeekKind() == '{' {
		return p.pass() // of the vendor's own tools
	}
	within := anthropicTurn{role: t.role}
	_, err := p.items(func(int) error { return a.block(&within) })
	t.bytes += within.bytes
	t.parts += within.parts
	if err == nil && len(within.uses)+len(within.results) > 0 {
		return p.bad("a tool's result holds text, images, documents and search results")
	}
	return err
}

// internBlockMember and internBlockKind turn names that are known into strings without allocating.
func internBlockMember(name []byte) string {
	switch string(name) {
	case "type":
		return "type"
	case "text":
		return "text"
	case "cache_control":
		return "cache_control"
	case "source":
		return "source"
	case "content":
		return "content"
	}
	return string(name)
}

func internBlockKind(kind []byte) string {
	if string(kind) == "text" {
		return "text"
	}
	return string(kind)
}
