package redisync

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"verdigris/deploy"
)

// Ledger keeps a text for each slice: what the users of its redis were allowed before it was fenced, which has no secrets in
// it. The fenced server has a copy, but may evict it, lose it in a restart, or be given the fence back by its own files.
type Ledger interface {
	// Keep replaces what is kept for the slice.
	Keep(ctx context.Context, slice deploy.Slice, text string) error
	// Kept returns what was last kept for the slice, empty for nothing.
	Kept(ctx context.Context, slice deploy.Slice) (text string, err error)
}

// rights are what the users of a server may do, as ACL LIST writes it, by their names.
type rights map[string]string

// record is what a fence has done to the users of a server. A user without an entry in After was about to lose its rights
// when the record was written.
type record struct {
	Before rights `json:"before"`
	After  rights `json:"after,omitempty"`
}

// fencedFrom returns what the user was allowed before, where it has just what a fence has left it.
func (r record) fencedFrom(name, now string) (before string, is bool) {
	before, is = r.Before[name]
	after, isKnown := r.After[name]
	if !isKnown {
		return before, is && before != now && lacksWrite(now)
	}
	return before, is && now == after && before != after
}

// lacksWrite reports whether the right to write has been taken from a user as a fence takes it: last of all.
func lacksWrite(rights string) bool {
	lacks := false
	for _, rule := range strings.Fields(rights) {
		lacks = rule == "-@write" || lacks && rule[0] == '-'
	}
	return lacks
}

// keepRecord writes the record into all ledgers. One that fails is told of: the others, and the server itself, have it.
func (s *server) keepRecord(ctx context.Context, r record) {
	text, err := json.Marshal(r)
	for _, ledger := range s.ledgers {
		if err == nil {
			err = ledger.Keep(ctx, s.slice, string(text))
		}
		if err != nil {
			s.log.Warn("could not keep beside the server what the fence takes from its users", "slice", s.slice, "error", err)
		}
		err = nil
	}
}

// keptRecord is what the ledgers know, those first that come first.
func (s *server) keptRecord(ctx context.Context) record {
	r := record{Before: rights{}, After: rights{}}
	for _, ledger := range slices.Backward(s.ledgers) {
		text, err := ledger.Kept(ctx, s.slice)
		var one record
		if err == nil && text != "" {
			err = json.Unmarshal([]byte(text), &one)
		}
		if err != nil {
			s.log.Warn("could not read what was kept of a fence", "slice", s.slice, "error", err)
			continue
		}
		maps.Copy(r.Before, one.Before)
		maps.Copy(r.After, one.After)
	}
	return r
}

// known is what is known of the server's fence: its own copy, and what the ledgers have of users that it lacks.
func (s *server) known(ctx context.Context) (own rights, r record, err error) {
	own, err = s.client.HGetAll(ctx, fenceKey).Result()
	if err != nil {
		return nil, r, err
	}
	delete(own, fenceRun)
	r = s.keptRecord(ctx)
	return own, r, nil
}

// prove returns nil if no user that the app may be has lost the right to write: none that a fence took it from, and not the
// one that we are given, which the app most likely is too.
func (s *server) prove(ctx context.Context, own rights, r record, now map[string]aclUser) error {
	var lost []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		u := now[name]
		_, isFenced := r.fencedFrom(name, u.rules)
		before, isOwn := own[name]
		if u.on && (isFenced || lacksWrite(u.rules) && (s.isGiven(name) || isOwn && before != u.rules)) {
			lost = append(lost, name)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return &deploy.HintedError{
		Err: s.fail(ctx, fmt.Errorf("the app cannot write there: %s lost the right to, and it could not be given back", strings.Join(lost, " and "))),
		Next: fmt.Sprintf("give it back with redis-cli there: ACL SETUSER %s +@write; if the server loads its users from a file, ACL SAVE; then try again",
			strings.Join(lost, " +@write, and ACL SETUSER ")),
	}
}

// isGiven reports whether the user is the one that the configuration names.
func (s *server) isGiven(name string) bool {
	given := s.given
	if given == "" {
		given = "default"
	}
	return name == given
}
