package compose

import (
	"github.com/compose-spec/compose-go/v2/types"
)

// The hashes by which Docker Compose tells whether something is as its files say: SHA-256 over the JSON of compose-go's
// types, without what can change while the container stays. With equal hashes, `docker compose up` over the same files
// leaves alone what was started here.

// serviceHash sums a service up as Compose does. What env files say is a part of its environment; which files they were
// is not a part of the sum.
func serviceHash(s types.ServiceConfig) string {
	s.Build, s.PullPolicy, s.Scale, s.DependsOn, s.Profiles, s.EnvFiles = nil, "", nil, nil, nil, nil
	if s.Deploy != nil {
		without := *s.Deploy
		without.Replicas = nil
		s.Deploy = &without
	}
	return digest(s)
}

func networkHash(n types.NetworkConfig) string { return digest(n) }

func volumeHash(v types.VolumeConfig) string {
	if v.Driver == "" {
		v.Driver = "local"
	}
	return digest(v)
}
