package redisync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"verdigris/deploy"
)

// The keys that belong to redisync itself. They carry an expiry, so that a crash leaves nothing for ever.
const (
	ownPrefix       = "__verdigris:"
	snapshotPrefix  = ownPrefix + "snap:" // on the source: a value that stands still while it is read
	temporaryPrefix = ownPrefix + "tmp:"  // on the target: a value that is not complete yet
)

// selection says which keys belong to the data: some by their exact names, others by globs.
type selection struct {
	names []string // sorted, each once
	globs []string
	named map[string]struct{}
	sum   string // the same for the same selection
}

func newSelection(keys []string) (selection, error) {
	var s selection
	for _, key := range keys {
		switch {
		case key == "":
			return selection{}, &deploy.InputError{Reason: "a selected key is empty: write a name or a pattern, e.g. images or session:*"}
		case strings.HasPrefix(key, ownPrefix):
			return selection{}, &deploy.InputError{Reason: fmt.Sprintf("the selected key %q belongs to verdigris itself: keys below %q are never moved", key, ownPrefix)}
		case strings.ContainsAny(key, `*?[\`):
			s.globs = append(s.globs, key)
		default:
			s.names = append(s.names, key)
		}
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	s.named = make(map[string]struct{}, len(s.names))
	for _, name := range s.names {
		s.named[name] = struct{}{}
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "%q %q", s.names, s.globs))
	s.sum = hex.EncodeToString(digest[:8])
	return s, nil
}

// apartFrom refuses globs of keys that a slice may write after the traffic has left it where they find keys that move, or
// cannot stand in a user's rules.
func (s selection) apartFrom(globs []string) error {
	for _, glob := range globs {
		if glob == "" || strings.ContainsAny(glob, " \t\r\n()") {
			return &deploy.InputError{Reason: fmt.Sprintf("left_may_write: %q is no pattern that redis takes in a user's rules: it has neither spaces nor parentheses", glob)}
		}
		if strings.HasPrefix(glob, ownPrefix) {
			return &deploy.InputError{Reason: fmt.Sprintf("left_may_write: %q finds keys that belong to verdigris itself, below %q", glob, ownPrefix)}
		}
		for _, key := range slices.Concat(s.names, s.globs) {
			if _, isName := s.named[key]; isName && matchGlob(glob, key) || !isName && globsMeet(glob, key) {
				return &deploy.InputError{Reason: fmt.Sprintf("left_may_write: %q finds keys that move with the traffic, as data.keys has %q: what the slice that was left writes there would be lost", glob, key)}
			}
		}
	}
	return nil
}

// sample is a key on which the rights of a user can be tried.
func (s selection) sample() string {
	if len(s.names) > 0 {
		return s.names[0]
	}
	return ownPrefix + "probe"
}

// has tells whether a key is selected.
func (s selection) has(key []byte) bool {
	if _, named := s.named[string(key)]; named {
		return true
	}
	if len(s.globs) == 0 || bytes.HasPrefix(key, []byte(ownPrefix)) {
		return false
	}
	return slices.ContainsFunc(s.globs, func(glob string) bool { return matchGlob(glob, key) })
}

// foundBy tells whether the glob with that number, by which the server found the key, is the one by which it is
// selected. Of several selectors that fit a key the first one counts, so that walking over all of them meets it once.
func (s selection) foundBy(glob int, key string) bool {
	if strings.HasPrefix(key, ownPrefix) {
		return false
	}
	if _, named := slices.BinarySearch(s.names, key); named {
		return false
	}
	return !slices.ContainsFunc(s.globs[:glob], func(g string) bool { return matchGlob(g, key) })
}
