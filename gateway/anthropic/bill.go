package anthropic

import (
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
)

// AppendUsage appends the usage that the caller is told: the dialect's own members, and cost, a JSON number with all its digits.
func AppendUsage(dst []byte, b *chat.Bill) []byte {
	var none chat.Bill
	if b == nil {
		b = &none
	}
	u := b.Usage
	dst = appendCount(dst, `{"input_tokens":`, u[usage.Input]+u[usage.AudioInput]+u[usage.ImageInput])
	dst = appendCount(dst, `,"cache_creation_input_tokens":`, u[usage.CacheWrite]+u[usage.CacheWrite1h])
	dst = appendCount(dst, `,"cache_read_input_tokens":`, u[usage.CacheRead]+u[usage.AudioCacheRead])
	dst = appendCount(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`, u[usage.CacheWrite])
	dst = appendCount(dst, `,"ephemeral_1h_input_tokens":`, u[usage.CacheWrite1h])
	dst = appendCount(dst, `},"output_tokens":`, u.Completion())
	dst = appendCount(dst, `,"output_tokens_details":{"thinking_tokens":`, u[usage.Reasoning])
	dst = append(dst, '}')
	if n := u[usage.Search]; n > 0 {
		dst = append(appendCount(dst, `,"server_tool_use":{"web_search_requests":`, n), '}')
	}
	dst = append(append(dst, `,"cost":`...), b.Cost.Total.String()...)
	return append(dst, '}')
}

func appendCount(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}
