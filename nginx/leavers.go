package nginx

import "verdigris/deploy"

// leavers are the connections that stayed behind in a cutover, by their ids, and the slices that they lead to.
type leavers map[string]deploy.Slice

// known tells whether an earlier drain has given the connection up.
func (l leavers) known(c Connection) bool { return c.ID != "" && l[c.ID] != "" }

// add notes where connections lead that are not known yet.
func (l leavers) add(connections []Connection, slice deploy.Slice) {
	for _, c := range connections {
		if c.ID != "" && !l.known(c) {
			l[c.ID] = slice
		}
	}
}

// count counts those that lead to the slice; so do those that are not known yet.
func (l leavers) count(connections []Connection, slice deploy.Slice) (n int) {
	for _, c := range connections {
		if !l.known(c) || l[c.ID] == slice {
			n++
		}
	}
	return n
}

// to returns those of the connections that are known to lead to the slice.
func (l leavers) to(connections []Connection, slice deploy.Slice) (staying []Connection) {
	for _, c := range connections {
		if l.known(c) && l[c.ID] == slice {
			staying = append(staying, c)
		}
	}
	return staying
}

// forget removes those that have ended.
func (l leavers) forget(there []Connection) {
	ids := map[string]bool{}
	for _, c := range there {
		ids[c.ID] = true
	}
	for id := range l {
		if !ids[id] {
			delete(l, id)
		}
	}
}
