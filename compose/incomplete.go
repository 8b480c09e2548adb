package compose

import "slices"

// incomplete says what keeps a container from being what the blueprint describes although it was made from it; empty when
// nothing does. Its configuration does not tell: files and further networks come after its making, and networks go and
// come without it.
func (o observation) incomplete(b *blueprint, c found) string {
	if c.state == "created" {
		return "it was made and never started"
	}
	for _, wanted := range b.Networks {
		if !o.joined(c, wanted.Network) {
			return "it is not in network " + wanted.Network
		}
	}
	return ""
}

// joined tells whether the container is in the network of that name or id. One that was removed and made again is another
// network, and who was in the old one cannot start.
func (o observation) joined(c found, network string) bool {
	return slices.ContainsFunc(o.networks, func(n foundNetwork) bool {
		return (n.name == network || n.id == network) && slices.Contains(c.networks, n.id)
	})
}
