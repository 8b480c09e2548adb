package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference is one value that is not the same on both sides.
type difference struct {
	object string   // e.g. container web-1
	path   []string // e.g. container, Config, Env, TZ
	sdk    string   // as JSON, or absent
	ours   string
}

const absent = "absent"

func (d difference) String() string {
	return fmt.Sprintf("%s: %s: %s / %s", d.object, strings.Join(d.path[1:], "/"), d.sdk, d.ours)
}

func compare(want, have snapshot) []difference {
	var out []difference
	for _, object := range keys(want, have) {
		kind, _, _ := strings.Cut(object, " ")
		w, inWant := want[object]
		h, inHave := have[object]
		switch {
		case !inHave:
			out = append(out, difference{object, []string{kind, "itself"}, "there", absent})
		case !inWant:
			out = append(out, difference{object, []string{kind, "itself"}, absent, "there"})
		default:
			out = append(out, descend(object, []string{kind}, w, h)...)
		}
	}
	return out
}

// descend follows objects; lists and plain values are compared whole.
func descend(object string, path []string, want, have any) []difference {
	w, wantIsMap := want.(map[string]any)
	h, haveIsMap := have.(map[string]any)
	if !(wantIsMap || want == nil) || !(haveIsMap || have == nil) {
		if show(want) == show(have) {
			return nil
		}
		return []difference{{object, path, show(want), show(have)}}
	}
	var out []difference
	for _, key := range keys(w, h) {
		out = append(out, descend(object, append(slices.Clip(path), key), w[key], h[key])...)
	}
	return out
}

func keys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func show(value any) string {
	if value == nil {
		return absent
	}
	content, _ := json.Marshal(value)
	return string(content)
}
