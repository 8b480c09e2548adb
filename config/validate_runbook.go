package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"verdigris/deploy"
)

// ownKeys is what the names of all keys begin with that verdigris itself writes to a redis.
const ownKeys = "__verdigris:"

// shortestHold is how long requests wait at least while nginx takes up a configuration and the last writes are carried over: a
// shorter hold_timeout would call every cutover off.
const shortestHold = 500 * time.Millisecond

func (k *appChecker) data() {
	d := k.app.Data
	if d == nil {
		return
	}
	if len(d.Keys) == 0 {
		k.wrong(k.field("data.keys"), "is missing: the redis keys that move with the traffic, e.g. [images, \"session:*\"]")
	}
	for i, key := range d.Keys {
		field := fmt.Sprintf("%s[%d]", k.field("data.keys"), i)
		switch {
		case key == "":
			k.wrong(field, "is empty: use * for all keys")
		case strings.HasPrefix(key, ownKeys):
			k.wrong(field, "is %s: keys below %s are verdigris' own, and never move", key, ownKeys)
		}
	}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		k.redis(k.field("data."+string(slice)), d.Of(slice))
	}
	if same := d.Blue.place(); same != "" && same == d.Green.place() {
		k.wrong(k.field("data.green"), "is the same redis as data.blue (%s): each slice needs a redis, or a database number, of its own", same)
	}
}

// place tells two redis apart.
func (r Redis) place() string {
	if r.Service == "" && r.URL == "" {
		return ""
	}
	return fmt.Sprintf("%s%s database %d", r.Service, hidePassword(r.URL), r.DB)
}

func (k *appChecker) redis(field string, r Redis) {
	switch {
	case r.Service == "" && r.URL == "":
		k.wrong(field, "is missing: give it the compose service of its redis (service), or the server's url")
	case r.Service != "" && r.URL != "":
		k.wrong(field, "has both service and url: use one of them")
	case r.URL != "":
		k.url(field+".url", r.URL, "redis", "rediss")
		if r.Port != 0 {
			k.wrong(field+".port", "belongs to service; a url carries its own port")
		}
	default:
		k.port(field+".port", r.Port)
	}
	k.atLeast(field+".db", r.DB, 0)
	if r.Username != "" && r.Password == nil {
		k.wrong(field+".username", "has no password beside it")
	}
	if t := r.TLS; t != nil && (t.Certificate == "") != (t.Key == "") {
		k.wrong(field+".tls", "has one of certificate and key: a client certificate needs both")
	}
}

func (k *appChecker) webhook() {
	g := k.app.Webhook.GitHub
	if g == nil {
		return
	}
	if len(g.Secrets) == 0 {
		k.wrong(k.field("webhook.github.secrets"), "is missing: without a secret anybody could deploy; e.g. [{env: GITHUB_SECRET}]")
	}
	for name, patterns := range map[string][]string{
		"branches": g.Branches, "tags": g.Tags, "paths": g.Paths, "ignore_paths": g.IgnorePaths,
	} {
		k.globs(k.field("webhook.github."+name), patterns)
	}
}

func (k *appChecker) runbook() {
	a := k.app
	k.oneOf(k.field("promote"), string(a.Promote), string(deploy.PromoteAuto), string(deploy.PromoteManual))
	k.health(a.Health)
	for i, check := range a.Smoke {
		k.smoke(fmt.Sprintf("%s[%d]", k.field("smoke"), i), check)
	}
	if hold := a.Cutover.HoldTimeout.Std(); hold < shortestHold {
		k.wrong(k.field("cutover.hold_timeout"), "cannot work with %s: requests wait while nginx takes up the new route and the last writes are carried over; give it %s or more, 5s is usual", hold, shortestHold)
	}
	k.positive(k.field("cutover.drain_timeout"), a.Cutover.DrainTimeout)
	k.atLeast(k.field("cutover.max_held"), a.Cutover.MaxHeld, 1)
	k.watch(a.Watch)
	if a.KeepReleases < 2 {
		k.wrong(k.field("keep_releases"), "must be at least 2, not %d: the live release, and the one to go back to", a.KeepReleases)
	}
	k.positive(k.field("timeouts.fetch"), a.Timeouts.Fetch)
	k.positive(k.field("timeouts.build"), a.Timeouts.Build)
	k.positive(k.field("timeouts.migrate"), a.Timeouts.Migrate)
	k.positive(k.field("timeouts.start"), a.Timeouts.Start)
	k.positive(k.field("timeouts.copy"), a.Timeouts.Copy)
}

func (k *appChecker) health(h Health) {
	k.urlPath(k.field("health.path"), h.Path)
	if h.ReleasePath != "" {
		k.urlPath(k.field("health.release_path"), h.ReleasePath)
	}
	k.status(k.field("health.status"), h.Status)
	k.positive(k.field("health.timeout"), h.Timeout)
	k.positive(k.field("health.interval"), h.Interval)
	k.positive(k.field("health.deadline"), h.Deadline)
	k.atLeast(k.field("health.successes"), h.Successes, 1)
}

func (k *appChecker) watch(w Watch) {
	if w.Duration < 0 {
		k.wrong(k.field("watch.duration"), "must not be negative; 0s leaves the phase out")
	}
	k.positive(k.field("watch.interval"), w.Interval)
	k.atLeast(k.field("watch.failures"), w.Failures, 1)
}

var methodRule = regexp.MustCompile(`^[A-Z]+$`)

func (k *appChecker) smoke(field string, c Check) {
	if !methodRule.MatchString(c.Method) {
		k.wrong(field+".method", "is not an HTTP method: %q; they are written like GET", c.Method)
	}
	k.urlPath(field+".path", c.Path)
	k.status(field+".status", c.Status)
	for name, value := range c.Headers {
		if strings.ContainsAny(name+value, "\r\n") {
			k.wrong(field+".headers", "has a line break in %q", name)
		}
	}
}
