package redisync

import (
	"context"
	"strings"
)

// keySpec says which arguments of a command are keys, as COMMAND tells it
// (https://redis.io/docs/latest/commands/command/).
type keySpec struct {
	first, last, step int
	movable           bool // the server has to be asked
}

// commandTable knows the commands of a server, by their names in upper case.
type commandTable map[string]keySpec

func (s *server) commands(ctx context.Context) (commandTable, error) {
	list, err := s.client.Do(ctx, "COMMAND").Slice()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	table := commandTable{}
	for _, entry := range list {
		parts, _ := entry.([]any)
		if len(parts) < 6 {
			continue
		}
		name, _ := parts[0].(string)
		table[strings.ToUpper(name)] = keySpec{int(number(parts[3])), int(number(parts[4])), int(number(parts[5])), hasFlag(parts[2], "movablekeys")}
	}
	return table, nil
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}

func hasFlag(v any, flag string) bool {
	flags, _ := v.([]any)
	for _, f := range flags {
		if text, _ := f.(string); text == flag {
			return true
		}
	}
	return false
}

// positions appends to at which arguments of a command are keys, where that follows from the table. known is false
// for a command that is not in it, or whose keys only the server can tell.
func (t commandTable) positions(c command, at []int) (keys []int, known bool) {
	var buffer [32]byte
	spec, ok := t[string(upper(buffer[:0], c[0]))]
	if !ok || spec.movable {
		return at, false
	}
	if spec.first == 0 {
		return at, true
	}
	last := spec.last
	if last < 0 {
		last += len(c)
	}
	for i := spec.first; i <= last && i < len(c); i += max(1, spec.step) {
		at = append(at, i)
	}
	return at, true
}

// upper appends the word in upper case.
func upper(to, word []byte) []byte {
	for _, b := range word {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		to = append(to, b)
	}
	return to
}
