package redisync

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A fence keeps all but us from writing to the redis of a slice that the traffic has left: a background job there, or
// a websocket that stayed, is told that it may not write, instead of writing what nobody will ever see. Users lose the
// right to write (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/), and we go on as a user
// of our own. What a user was allowed is kept on the server itself and in ledgers, so that any of us can give it back. It
// needs redis 6.0 and a user of ours that may use ACL.
const (
	fenceKey  = ownPrefix + "fence" // a hash: the rights that users had before, by their names
	fenceRun  = "in force in run"   // among them, since no name has spaces: which run of the server is fenced
	fenceUser = "verdigris"
)

// fencePassword is that of fenceUser. No other process has to know it: who needs it sets it anew.
var fencePassword = rand.Text()

// errNoFence means that a server cannot be fenced.
var errNoFence = errors.New("cannot be fenced against late writes")

// fence takes the right to write from all users but our own. The other slice must not be on the same server.
func (s *server) fence(ctx context.Context, other *server) error {
	if s.info["run_id"] == other.info["run_id"] {
		return s.fail(ctx, fmt.Errorf("%w: %s is on the same server", errNoFence, other.slice))
	}
	if why := s.sharedWith(ctx); why != "" {
		return s.fail(ctx, fmt.Errorf("%w: %s", errNoFence, why))
	}
	if major, _, _ := strings.Cut(s.info["redis_version"], "."); len(s.leftMay) > 0 && major < "7" && len(major) == 1 {
		return s.fail(ctx, fmt.Errorf("%w: data.left_may_write needs redis 7.0 or newer", errNoFence))
	}
	own, r, err := s.known(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	users, err := s.users(ctx, own, r)
	if err != nil {
		return err
	}
	if err := s.becomeOwnUser(ctx); err != nil {
		return err
	}
	// What a mirror has noted there is of a time before its app wrote.
	if err := s.client.Unlink(ctx, markerKey).Err(); err != nil {
		return s.fail(ctx, err)
	}
	if err := s.takeRights(ctx, users, own, r); err != nil {
		return err
	}
	if err := s.wakeBlocked(ctx); err != nil {
		return err
	}
	return s.fail(ctx, s.client.HSet(ctx, fenceKey, fenceRun, s.info["run_id"]).Err())
}

// takeRights takes the right to write from users, and notes before what they were allowed. Those that a fence has taken it
// from already were allowed what was noted then.
func (s *server) takeRights(ctx context.Context, users, own rights, r record) error {
	before := record{Before: rights{}}
	for name, now := range users {
		before.Before[name] = now
		if was, is := r.fencedFrom(name, now); is {
			before.Before[name] = was
		} else if was, is := own[name]; is && was != now && lacksWrite(now) {
			before.Before[name] = was
		}
	}
	s.keepRecord(ctx, before)
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if err := s.client.HSet(ctx, fenceKey, name, before.Before[name]).Err(); err != nil {
			return s.fail(ctx, err)
		}
		if err := s.setUser(ctx, name, s.takes()...); err != nil {
			return err
		}
	}
	now, err := s.listUsers(ctx)
	if err != nil {
		return err
	}
	before.After = rights{}
	for name := range users {
		before.After[name] = now[name].rules
	}
	s.keepRecord(ctx, before)
	return nil
}

// takes is what a fence takes from a user, and leaves it for the keys that do not move.
func (s *server) takes() []string {
	rules := []string{"-@write"}
	if len(s.leftMay) > 0 {
		rules = append(rules, "clearselectors", "(+@write ~"+strings.Join(s.leftMay, " ~")+")")
	}
	return rules
}

// wakeBlocked ends all BLPOP and the like that are waiting: redis does not look at their rights any more, so that what
// the mirror writes would go to them, and a job that the live slice does would be done here as well.
func (s *server) wakeBlocked(ctx context.Context) error {
	text, err := s.client.ClientList(ctx).Result()
	if err != nil {
		return s.fail(ctx, err)
	}
	for line := range strings.Lines(text) {
		client := parseClient(line)
		if !strings.Contains(client["flags"], "b") {
			continue
		}
		if err := s.client.Do(ctx, "CLIENT", "UNBLOCK", client["id"], "ERROR").Err(); err != nil {
			return s.fail(ctx, err)
		}
	}
	return nil
}

// unfence gives users back what they were allowed, if the server is fenced, and returns nil only if the app may write. Users
// that are gone do not come back.
func (s *server) unfence(ctx context.Context) error {
	own, r, err := s.known(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	now, err := s.listUsers(ctx)
	if errors.Is(err, errNoFence) && len(own) == 0 {
		return nil // where users cannot be seen, none was ever fenced
	}
	if err != nil {
		return err
	}
	isGivenBack := false
	for _, name := range slices.Sorted(maps.Keys(now)) {
		before, is := own[name]
		if !is {
			before, is = r.fencedFrom(name, now[name].rules)
		}
		if !is || before == now[name].rules {
			continue
		}
		rules := append([]string{"nocommands"}, strings.Fields(before)...)
		if now[name].picks { // those of the fence: a user with selectors of its own is not fenced
			rules = append(rules, "clearselectors")
		}
		if err := s.setUser(ctx, name, rules...); err != nil {
			return err
		}
		isGivenBack = true
	}
	if isGivenBack {
		if now, err = s.listUsers(ctx); err != nil {
			return err
		}
	}
	if err := s.prove(ctx, own, r, now); err != nil {
		return err
	}
	return s.fail(ctx, s.client.Unlink(ctx, fenceKey).Err())
}

// passFence looks whether the server is fenced. If it is, we become the user that may pass. A server that was started
// anew since, with users as its configuration has them, is fenced no more.
func (c *conn) passFence() error {
	known, err := c.seeFence()
	if err != nil || !known {
		return err
	}
	if err := c.side.becomeOwnUser(c.ctx); err != nil {
		return err
	}
	return c.login()
}

// seeFence looks whether the server is fenced, and changes nothing. known reports whether it is, or was in another run.
func (c *conn) seeFence() (known bool, err error) {
	kept, err := c.side.client.HGetAll(c.ctx, fenceKey).Result()
	if refusedAs(err, "NOPERM") {
		return false, nil // a fence of ours would have left us the right to look
	}
	if err != nil {
		return false, c.fail(err)
	}
	c.side.fenced = kept[fenceRun] == c.side.info["run_id"]
	if len(kept) > 0 {
		return true, nil
	}
	return c.side.isFencedByLedger(c.ctx)
}

// isFencedByLedger reports whether users still have just what a fence has left them, on a server that has lost its own copy
// of what they were allowed.
func (s *server) isFencedByLedger(ctx context.Context) (bool, error) {
	r := s.keptRecord(ctx)
	if len(r.Before) == 0 {
		return false, nil
	}
	now, err := s.listUsers(ctx)
	if errors.Is(err, errNoFence) {
		return false, nil
	}
	for name, u := range now {
		if _, is := r.fencedFrom(name, u.rules); is {
			return true, nil
		}
	}
	return false, err
}

// aclUser is a user as ACL LIST tells of it.
type aclUser struct {
	rules string // what it may do: all that begins with + or -
	on    bool   // it can log in
	picks bool   // it has selectors
}

// selectors are what a user may do apart from its own rules: redis 7.
var selectors = regexp.MustCompile(`\([^)]*\)`)

// listUsers returns all users but our own. It is errNoFence where the server has none, or does not let us see them.
func (s *server) listUsers(ctx context.Context) (map[string]aclUser, error) {
	lines, err := s.client.ACLList(ctx).Result()
	if refusedAs(err, "ERR unknown", "NOPERM") {
		return nil, s.fail(ctx, fmt.Errorf("%w: %w", errNoFence, err))
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	users := map[string]aclUser{}
	for _, line := range lines {
		words := strings.Fields(selectors.ReplaceAllString(line, "")) // user NAME on ... +@all
		if len(words) < 3 || words[1] == fenceUser {
			continue
		}
		u := aclUser{on: slices.Contains(words, "on"), picks: strings.Contains(line, "(")}
		var rules []string
		for _, word := range words[2:] {
			if word[0] == '+' || word[0] == '-' {
				rules = append(rules, word)
			}
		}
		u.rules = strings.Join(rules, " ")
		users[words[1]] = u
	}
	return users, nil
}

// users returns the rights of all users that can log in, other than our own, as ACL LIST writes them. Those that are not
// fenced already must have no selectors, whose rights a fence could not give back.
func (s *server) users(ctx context.Context, own rights, r record) (rights, error) {
	all, err := s.listUsers(ctx)
	if err != nil {
		return nil, err
	}
	users := rights{}
	for name, u := range all {
		if !u.on {
			continue
		}
		_, isFenced := r.fencedFrom(name, u.rules)
		_, isOwn := own[name]
		if u.picks && !isFenced && !(isOwn && lacksWrite(u.rules)) {
			return nil, s.fail(ctx, fmt.Errorf("%w: the user %s has selectors", errNoFence, name))
		}
		users[name] = u.rules
	}
	return users, nil
}

// becomeOwnUser makes the user that the fence lets pass, and has new connections be that user. Those that are there
// stay who they are.
func (s *server) becomeOwnUser(ctx context.Context) error {
	if s.Username == fenceUser {
		return nil
	}
	digest := fmt.Sprintf("#%x", sha256.Sum256([]byte(fencePassword))) // the password itself is nobody's to see
	err := s.setUser(ctx, fenceUser, "reset", "on", digest, "~*", "&*", "+@all")
	if refusedAs(err, "ERR Error in ACL SETUSER modifier '&*'") { // redis before 6.2 has no channels in it
		err = s.setUser(ctx, fenceUser, "reset", "on", digest, "~*", "+@all")
	}
	if err != nil {
		return err
	}
	old := s.client
	s.Username, s.Password = fenceUser, fencePassword
	s.client = s.newClient()
	return old.Close()
}

func (s *server) setUser(ctx context.Context, name string, rules ...string) error {
	err := s.client.ACLSetUser(ctx, name, rules...).Err()
	if refusedAs(err, "ERR unknown", "NOPERM") {
		err = fmt.Errorf("%w: %w", errNoFence, err)
	}
	return s.fail(ctx, err)
}

// sharedWith says who else uses the server, and would be kept from writing too.
func (s *server) sharedWith(ctx context.Context) string {
	text, err := s.client.Info(ctx, "keyspace").Result()
	if err != nil {
		return "it does not say who else uses it"
	}
	own := fmt.Sprintf("db%d", s.DB)
	for name := range parseInfo(text) {
		if strings.HasPrefix(name, "db") && name != own {
			return "its database " + strings.TrimPrefix(name, "db") + " is in use as well"
		}
	}
	return ""
}

// login has a connection be the user that we are on its server by now.
func (c *conn) login() error {
	if c.side.Username == "" {
		return nil
	}
	c.send("AUTH", c.side.Username, c.side.Password)
	return c.ask()
}
