package redisync

import (
	"strconv"
	"strings"
)

// info is what a server says about itself in its answer to INFO.
type info map[string]string

func parseInfo(text string) info {
	facts := info{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			facts[name] = value
		}
	}
	return facts
}

// number returns a fact as a number; 0 where the server does not state it.
func (i info) number(name string) int64 {
	n, _ := strconv.ParseInt(i[name], 10, 64)
	return n
}

// version names the server for people, e.g. "redis 7.0.15" or "valkey 8.1.1".
func (i info) version() string {
	if v := i["valkey_version"]; v != "" {
		return "valkey " + v
	}
	return "redis " + i["redis_version"]
}

// parseClient reads a line of the answer to CLIENT LIST.
func parseClient(line string) info {
	facts := info{}
	for _, word := range strings.Fields(line) {
		if name, value, ok := strings.Cut(word, "="); ok {
			facts[name] = value
		}
	}
	return facts
}
