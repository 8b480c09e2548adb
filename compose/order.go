package compose

import (
	"cmp"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// levels groups the services so that each one comes after all that it depends on. The services of one level can be
// started together. compose-go has refused cycles before.
func levels(services types.Services) [][]string {
	depth := map[string]int{}
	var measure func(name string) int
	measure = func(name string) int {
		if d, ok := depth[name]; ok {
			return d
		}
		depth[name] = 0 // labels of containers may say anything, a cycle too
		d := 0
		for dependency := range services[name].DependsOn {
			if _, ok := services[dependency]; ok {
				d = max(d, measure(dependency)+1)
			}
		}
		depth[name] = d
		return d
	}
	var out [][]string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		d := measure(name)
		for len(out) <= d {
			out = append(out, nil)
		}
		out[d] = append(out[d], name)
	}
	return out
}

// sortFound orders containers by service and number.
func sortFound(list []found) {
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
	})
}
