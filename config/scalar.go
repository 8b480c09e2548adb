package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Duration is a length of time, written like Go's: 500ms, 2s, 1m30s.
type Duration time.Duration

// Std returns the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the duration as Go does.
func (d Duration) String() string { return d.Std().String() }

// UnmarshalYAML reads a Go duration. A number without a unit is refused: it could mean anything.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("takes a duration like 500ms, 2s or 1m30s, not %q", n.Value)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, written like 25MB.
type Size int64

// units are powers of 1024, as in Compose files (Compose specification, "Specifying byte values").
var units = map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}

// UnmarshalYAML reads a whole number with a unit.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	number := strings.TrimRight(n.Value, "BbKkMmGg ")
	unit, known := units[strings.ToUpper(strings.TrimSpace(n.Value[len(number):]))]
	count, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !known || count < 0 || count > (1<<62)/unit {
		return fmt.Errorf("takes a size like 512KB, 25MB or 1GB, not %q", n.Value)
	}
	*s = Size(count * unit)
	return nil
}

// Range is a range of IPv4 addresses like 10.231.0.0/16; empty for none.
type Range string

// Prefix returns the range; it is not valid when there is none.
func (r Range) Prefix() netip.Prefix {
	prefix, _ := netip.ParsePrefix(string(r)) // looked at when it was read
	return prefix
}

// UnmarshalYAML reads a range that begins with its first address.
func (r *Range) UnmarshalYAML(n *yaml.Node) error {
	prefix, err := netip.ParsePrefix(n.Value)
	if n.Value != "" && (err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked()) {
		return fmt.Errorf("takes a range of IPv4 addresses like 10.231.0.0/16, not %q", n.Value)
	}
	*r = Range(n.Value)
	return nil
}

// Path names a file or folder on this machine. A relative one is relative to the file that it stands in, and
// absolute once that is loaded.
type Path string

func (p Path) from(dir string) Path {
	if p == "" || filepath.IsAbs(string(p)) {
		return p
	}
	return Path(filepath.Join(dir, string(p)))
}

func (p Path) join(elem ...string) Path {
	return Path(filepath.Join(append([]string{string(p)}, elem...)...))
}
