package config

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"verdigris/deploy"
)

// resolver returns the addresses that a host name has, none where that is not known.
type resolver func(host string) []string

// literally knows what a name means without asking anybody.
func literally(host string) []string {
	host = strings.Trim(strings.ToLower(host), "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return []string{"loopback"}
	}
	address, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return []string{host}
	case address.Unmap().IsLoopback(), address.IsUnspecified(): // the latter leads to this machine too
		return []string{"loopback"}
	}
	return []string{address.Unmap().String()}
}

// lookupTimeout bounds the questions to the name servers of one check.
const lookupTimeout = 2 * time.Second

// lookUp returns a resolver that asks the name servers too. A name that they do not know is known by itself alone.
func lookUp(ctx context.Context) resolver {
	return func(host string) []string {
		known := literally(host)
		if len(known) != 1 || known[0] != strings.ToLower(host) || net.ParseIP(host) != nil {
			return known
		}
		found, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return known
		}
		for _, address := range found {
			known = append(known, literally(address)...)
		}
		return known
	}
}

// place is where a URL leads: a port, and what its host is known by.
type place struct {
	field string
	hosts []string
	rest  string
}

// meets reports whether both may be the same.
func (p place) meets(other place) bool {
	return p.rest == other.rest && slices.ContainsFunc(p.hosts, func(host string) bool { return slices.Contains(other.hosts, host) })
}

// placeOf takes a URL apart; ok is false for one that leads nowhere.
func placeOf(field, raw, port, rest string, resolve resolver) (p place, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return p, false
	}
	return place{field, resolve(u.Hostname()), cmp.Or(u.Port(), port) + rest}, true
}

// apart reports a place that is another one's under whatever name.
func (k *checker) apart(all []place, text string) {
	for i, p := range all {
		for _, other := range all[:i] {
			if p.meets(other) {
				k.wrong(p.field, text, other.field)
				break
			}
		}
	}
}

// edges looks for apps whose requests would arrive at one place.
func (k *checker) edges(resolve resolver) {
	var all []place
	for _, name := range k.c.Names() {
		raw := k.c.Apps[name].Router.Edge.URL
		port := "80"
		if strings.HasPrefix(raw, "https:") {
			port = "443"
		}
		if p, ok := placeOf("apps."+name+".router.edge.url", raw, port, "", resolve); ok {
			all = append(all, p)
		}
	}
	k.apart(all, "leads where %s leads: every app has an edge of its own")
}

// databases refuses one redis database for two: what moves the data of the one would move the other's, and the fence that
// keeps the one from writing would stop the other.
func (k *checker) databases(resolve resolver) {
	var all []place
	for _, name := range k.c.Names() {
		data := k.c.Apps[name].Data
		if data == nil {
			continue
		}
		for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
			redis := data.Of(slice)
			u, err := url.Parse(redis.URL)
			if err != nil {
				continue
			}
			db := cmp.Or(strings.Trim(u.Path, "/"), "0")
			if redis.DB != 0 {
				db = strconv.Itoa(redis.DB)
			}
			if p, ok := placeOf(fmt.Sprintf("apps.%s.data.%s.url", name, slice), redis.URL, "6379", "/"+db, resolve); ok {
				all = append(all, p)
			}
		}
	}
	k.apart(all, "leads to the same database as %s: every slice of every app has a redis, or a database, of its own")
}

// routerFiles refuses one include file for two apps, in whatever spelling: each would undo the other's route.
func (k *checker) routerFiles() {
	taken := map[string]string{}
	for _, name := range k.c.Names() {
		file := string(k.c.Apps[name].Router.File)
		if file == "" {
			continue
		}
		field, real := "apps."+name+".router.file", realPath(file)
		if other, ok := taken[real]; ok {
			k.wrong(field, "is the file of %s: every app has an include file of its own", other)
		}
		taken[real] = field
	}
}

// realPath follows the links of a path whose last parts need not exist.
func realPath(path string) string {
	path = filepath.Clean(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir, base := filepath.Split(path)
	if dir = filepath.Clean(dir); dir == path || dir == "." {
		return path
	}
	return filepath.Join(realPath(dir), base)
}
