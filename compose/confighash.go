package compose

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

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
	return digest(ordered{withoutAccess(s)})
}

// withoutAccess leaves out how volumes_from may be used: Compose sums up the id or name of the container alone.
func withoutAccess(s types.ServiceConfig) types.ServiceConfig {
	s.VolumesFrom = slices.Clone(s.VolumesFrom)
	for i, entry := range s.VolumesFrom {
		if name, ok := strings.CutPrefix(entry, types.ContainerPrefix); ok {
			s.VolumesFrom[i], _, _ = strings.Cut(name, ":")
		}
	}
	return s
}

// ordered is a service that is written as JSON with its keys in the order of serviceKeys, and others behind them by name.
type ordered struct{ service types.ServiceConfig }

// serviceKeys is the order that the types had in compose-go 2.15. Newer ones move fields about, and Compose keeps
// to this order, lest every container be recreated because of a newer Compose.
var serviceKeys = strings.Fields(`
	annotations attach develop blkio_config cap_add cap_drop cgroup_parent cgroup cpu_count cpu_percent cpu_period
	cpu_quota cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares command configs container_name credential_spec deploy
	device_cgroup_rules devices dns dns_opt dns_search dockerfile domainname entrypoint provider environment expose extends
	external_links extra_hosts group_add gpus hostname healthcheck image init ipc isolation labels label_file links
	logging log_driver log_opt mem_limit mem_reservation memswap_limit mem_swappiness mac_address models net
	network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged read_only restart
	runtime secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty
	ulimits use_api_socket user userns_mode uts volume_driver volumes volumes_from working_dir pre_start post_start
	pre_stop`)

// MarshalJSON implements json.Marshaler.
func (o ordered) MarshalJSON() ([]byte, error) {
	content, err := json.Marshal(o.service)
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(content, &values); err != nil {
		return nil, err
	}
	var pairs [][]byte
	add := func(key string) {
		if value, ok := values[key]; ok {
			pairs = append(pairs, slices.Concat([]byte(`"`+key+`":`), value))
			delete(values, key)
		}
	}
	for _, key := range serviceKeys {
		add(key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		add(key)
	}
	return slices.Concat([]byte("{"), bytes.Join(pairs, []byte(",")), []byte("}")), nil
}

func networkHash(n types.NetworkConfig) string { return digest(n) }

func volumeHash(v types.VolumeConfig) string {
	if v.Driver == "" {
		v.Driver = "local"
	}
	return digest(v)
}

// digest sums up a value that JSON can write; the types here all can.
func digest(value any) string {
	content, _ := json.Marshal(value)
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
