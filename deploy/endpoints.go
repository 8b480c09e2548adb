package deploy

import "slices"

// The engine's opinion of a container's health is a hint: a healthcheck fails on a machine that is too busy for it too. It
// chooses between containers, and where it speaks against all of them, the way back is open to those that answer.

// healthy are the endpoints whose containers the engine does not call unhealthy.
func (s SliceStatus) healthy() []Endpoint {
	unhealthy := map[string]bool{}
	for _, c := range s.Containers {
		unhealthy[c.Name] = c.Health == "unhealthy"
	}
	return s.endpoints(func(e Endpoint) bool { return !unhealthy[e.Container] })
}

// toRoute are the endpoints to send requests to: the healthy ones or, without any, those that are known to be good and are
// still there or, without these too, all.
func (s SliceStatus) toRoute(known []Endpoint) []Endpoint {
	if healthy := s.healthy(); len(healthy) > 0 {
		return healthy
	}
	still := s.endpoints(func(e Endpoint) bool {
		return slices.ContainsFunc(known, func(k Endpoint) bool { return k.Address == e.Address })
	})
	if len(still) > 0 {
		return still
	}
	return s.Endpoints
}

func (s SliceStatus) endpoints(wanted func(Endpoint) bool) []Endpoint {
	return slices.DeleteFunc(slices.Clone(s.Endpoints), func(e Endpoint) bool { return !wanted(e) })
}

// releases are those that the containers behind the endpoints carry.
func (s SliceStatus) releases() []Commit {
	var list []Commit
	for _, c := range s.Containers {
		answers := slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool { return e.Container == c.Name })
		if answers && !slices.Contains(list, c.Commit) {
			list = append(list, c.Commit)
		}
	}
	return list
}
