package nginx

import (
	"fmt"
	"net"
	"regexp"
	"strconv"

	"verdigris/deploy"
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// checkRoute refuses a route that cannot take traffic. Addresses become part of a configuration file, so
// whatever is not a host and a port is refused here.
func checkRoute(r deploy.Route) error {
	if !r.Slice.Production() {
		return &deploy.InputError{Reason: fmt.Sprintf("the slice %q cannot take production traffic", r.Slice)}
	}
	if len(r.Endpoints) == 0 {
		return &deploy.InputError{Reason: fmt.Sprintf("%s has no running container to send traffic to", r.Slice)}
	}
	for _, e := range r.Endpoints {
		if err := checkAddress(e.Address); err != nil {
			return &deploy.InputError{Reason: fmt.Sprintf("container %s of %s: %v", e.Container, r.Slice, err)}
		}
	}
	return nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q has no valid port", address)
	}
	if net.ParseIP(host) == nil && !hostName.MatchString(host) {
		return fmt.Errorf("%q has no valid host", address)
	}
	return nil
}
