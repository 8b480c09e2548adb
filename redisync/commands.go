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
	family            bool // its second word says which command it is
	replaces          bool // it writes keys without naming any: FLUSHALL and the like, by whatever name
}

// commandTable knows the commands of a server, by their names in upper case; members of a family as FAMILY|MEMBER.
type commandTable map[string]keySpec

func (s *server) commands(ctx context.Context) (commandTable, error) {
	list, err := s.client.Do(ctx, "COMMAND").Slice()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	table := commandTable{}
	for _, entry := range list {
		name, _ := fieldOf(entry, 0).(string)
		table.learn(name, entry)
	}
	return table, nil
}

// learnAlias asks what a command is that goes by another name than COMMAND tells: the stream has it by the name that
// rename-command gave it.
func (s *server) learnAlias(ctx context.Context, table commandTable, name string) error {
	list, err := s.client.Do(ctx, "COMMAND", "INFO", name).Slice()
	if err != nil || len(list) != 1 {
		return s.fail(ctx, err)
	}
	table.learn(name, list[0])
	return nil
}

// learn takes in what COMMAND tells of a command: its name, arity, flags, first and last key, step, categories and,
// from redis 7.0 on, three more of which the last are the members of a family. A command that it does not know is one
// of whose keys the server has to be asked.
func (t commandTable) learn(name string, entry any) {
	flags, first := fieldOf(entry, 2), int(number(fieldOf(entry, 3)))
	movable := fieldOf(entry, 0) == nil || hasFlag(flags, "movablekeys")
	members, _ := fieldOf(entry, 9).([]any)
	for _, member := range members {
		full, _ := fieldOf(member, 0).(string)
		_, own, _ := strings.Cut(full, "|")
		t.learn(name+"|"+own, member)
	}
	t[strings.ToUpper(name)] = keySpec{
		first: first, last: int(number(fieldOf(entry, 4))), step: int(number(fieldOf(entry, 5))),
		movable: movable, family: len(members) > 0,
		replaces: first == 0 && !movable && hasFlag(flags, "write") && hasFlag(fieldOf(entry, 6), "@keyspace"),
	}
}

// fieldOf returns an element of an answer, or nil.
func fieldOf(answer any, i int) any {
	fields, _ := answer.([]any)
	if i >= len(fields) {
		return nil
	}
	return fields[i]
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

// spec returns what is known of a command.
func (t commandTable) spec(c command) (spec keySpec, known bool) {
	var buffer [32]byte
	name := upper(buffer[:0], c[0])
	spec, known = t[string(name)]
	if spec.family && len(c) > 1 {
		spec, known = t[string(upper(append(name, '|'), c[1]))]
	}
	return spec, known
}

// positions appends to at which arguments of a command are keys. It does not know those that are movable.
func (s keySpec) positions(c command, at []int) []int {
	if s.first == 0 {
		return at
	}
	last := s.last
	if last < 0 {
		last += len(c)
	}
	for i := s.first; i <= last && i < len(c); i += max(1, s.step) {
		at = append(at, i)
	}
	return at
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
