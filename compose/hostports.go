package compose

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"verdigris/deploy"
)

// checkPorts refuses a plan that needs a host port which another container holds.
func (pl *plan) checkPorts(seen observation) error {
	for _, level := range pl.levels {
		for _, sp := range level {
			for _, a := range sp.actions {
				if a.blueprint == nil {
					continue
				}
				if err := a.blueprint.checkPorts(seen.others); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *blueprint) checkPorts(others []found) error {
	for _, port := range slices.Sorted(maps.Keys(b.Host.PortBindings)) {
		for _, binding := range b.Host.PortBindings[port] {
			for _, other := range others {
				if holds(other.ports, port, binding) && !b.takesTurns(other) {
					return &deploy.HintedError{
						Err:  fmt.Errorf("start container %s: port %s of this machine is already taken by %s", b.Name, binding.HostPort, other.belongsTo()),
						Next: fmt.Sprintf("stop %s, or publish another port", other.name),
					}
				}
			}
		}
	}
	return nil
}

// takesTurns tells whether the other container will have stopped before this one starts, since both are workers of the app.
func (b *blueprint) takesTurns(other found) bool {
	return isWorker(b.service) && other.worker() && other.labels[labelApp] == b.project.app
}

// holds tells whether one of the published ports is in the way of the binding. No address means all of them.
func holds(ports []container.Port, port nat.Port, binding nat.PortBinding) bool {
	wanted, err := strconv.Atoi(binding.HostPort)
	if err != nil || wanted == 0 {
		return false // any free port, or one of a range
	}
	for _, p := range ports {
		if int(p.PublicPort) == wanted && p.Type == port.Proto() && overlap(p.IP, binding.HostIP) {
			return true
		}
	}
	return false
}

func overlap(a, b string) bool {
	return everywhere(a) || everywhere(b) || net.ParseIP(a).Equal(net.ParseIP(b))
}

func everywhere(address string) bool {
	ip := net.ParseIP(address)
	return ip == nil || ip.IsUnspecified()
}

// What engines answer when a port or a name is taken. Of a port, Engine 20.10 speaks in two ways, according to whether a
// container has it, and 28 in one, with another for a range.
var (
	portTaken = regexp.MustCompile(`(?:Bind for \S*?:|listen (?:tcp|udp)[46]? \S*?:|bind host port (?:for (?:[\d.]+:|\[\S*?\]:)?)?)(\d+)` +
		`(?: failed: port is already allocated|: bind: address already in use|(?::| for )\S+ address already in use)`)
	nameTaken = regexp.MustCompile(`container name "/?([^"]+)" is already in use`)
)

// taken turns the engine's refusal of a port or a name into what a person can do about it.
func taken(err error) error {
	if m := portTaken.FindStringSubmatch(err.Error()); m != nil {
		return &deploy.HintedError{
			Err:  fmt.Errorf("port %s of this machine is already taken by another program: %w", m[1], err),
			Next: fmt.Sprintf("find it with `ss -ltnp sport = :%s` and stop it, or publish another port", m[1]),
		}
	}
	if m := nameTaken.FindStringSubmatch(err.Error()); m != nil {
		return &deploy.HintedError{
			Err:  fmt.Errorf("container name %s is already taken: %w", m[1], err),
			Next: "give each slice its own container_name (e.g. with ${VERDIGRIS_SLICE}), or remove that container",
		}
	}
	return err
}
