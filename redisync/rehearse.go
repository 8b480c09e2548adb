package redisync

import (
	"fmt"
	"strings"
)

// rehearse asks the server which of the commands it would carry out, without doing any of them: each is queued
// in a MULTI that is discarded, and the server refuses at once what it does not know, what the user may not do,
// and writes for which it has no memory. The answers are nil where the command would be done.
func (c *conn) rehearse(commands [][]string) (answers []error, err error) {
	c.send("MULTI")
	for _, command := range commands {
		c.send(command...)
	}
	c.send("DISCARD")
	if err := c.flush(); err != nil {
		return nil, err
	}
	opened := c.skip()
	if opened != nil && !isReply(opened) {
		return nil, opened
	}
	for range commands {
		answer := c.skip()
		if answer != nil && !isReply(answer) {
			return nil, answer
		}
		answers = append(answers, answer)
	}
	if closed := c.skip(); opened == nil {
		opened = closed
	}
	return answers, opened
}

// require rehearses commands that a transfer cannot do without. What the user may not do is told all at once.
func (c *conn) require(commands [][]string) error {
	answers, err := c.rehearse(commands)
	if err != nil {
		return err
	}
	var forbidden []string
	var first error
	for i, answer := range answers {
		switch {
		case refusedAs(answer, "NOPERM"):
			forbidden = append(forbidden, commands[i][0])
			if first == nil {
				first = answer
			}
		case refusedAs(answer, "ERR unknown"):
			return c.fail(fmt.Errorf("%s does not know %s, which verdigris needs: it takes redis 5.0 or newer, or valkey", c.side.info.version(), commands[i][0]))
		case answer != nil:
			return answer
		}
	}
	if forbidden != nil {
		return fmt.Errorf("the user may not do %s: %w", strings.Join(forbidden, ", "), first)
	}
	return nil
}

// allows rehearses commands that make up one optional feature.
func (c *conn) allows(commands ...[]string) (bool, error) {
	answers, err := c.rehearse(commands)
	if err != nil {
		return false, err
	}
	for _, answer := range answers {
		if answer != nil {
			return false, nil
		}
	}
	return true, nil
}

// reading are the commands by which the selected keys of either side are read, tried on key.
func reading(key string) [][]string {
	return [][]string{
		{"SCAN", "0"}, {"EXISTS", key}, {"TYPE", key}, {"PTTL", key}, {"TIME"}, {"MEMORY", "USAGE", key}, {"DUMP", key},
		{"GET", key}, {"LRANGE", key, "0", "0"}, {"LLEN", key},
		{"HSCAN", key, "0"}, {"HGETALL", key}, {"HMGET", key, "f"}, {"HLEN", key},
		{"SSCAN", key, "0"}, {"SMEMBERS", key}, {"SISMEMBER", key, "m"}, {"SCARD", key},
		{"ZRANGE", key, "0", "0"}, {"ZCARD", key},
	}
}

// writing are the commands by which the target's keys are written: key by way of the temporary key tmp.
func writing(key, tmp string) [][]string {
	return [][]string{
		{"RESTORE", key, "0", "", "REPLACE", "ABSTTL"}, {"UNLINK", key}, {"SET", key, "v"}, {"PEXPIREAT", key, "1"},
		{"RPUSH", tmp, "v"}, {"HSET", tmp, "f", "v"}, {"SADD", tmp, "m"}, {"ZADD", tmp, "0", "m"},
		{"PEXPIRE", tmp, "1"}, {"PERSIST", tmp}, {"RENAME", tmp, key},
	}
}

// snapshotting are the commands by which a key of the source is made to stand still.
func snapshotting(key, snap string) [][]string {
	return [][]string{{"COPY", key, snap, "REPLACE"}, {"PEXPIRE", snap, "1"}, {"UNLINK", snap}}
}
