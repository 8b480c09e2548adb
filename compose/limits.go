package compose

import (
	"cmp"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
)

// limitAttributes limit what the container may use.
var limitAttributes = []attribute{
	{name: "cpus cpu_shares cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpuset", apply: mapCPU},
	{name: "mem_limit mem_reservation memswap_limit mem_swappiness oom_kill_disable oom_score_adj", apply: mapMemory},
	{name: "pids_limit", apply: mapPids},
	// After the older keys, because they are equal where both are set.
	{name: "deploy.resources.limits", parts: "cpus memory pids", apply: mapLimits},
	{name: "deploy.resources.reservations", parts: "memory", apply: mapReservations},
	{name: "deploy.resources.reservations.cpus deploy.resources.reservations.pids deploy.resources.reservations.generic_resources", ignored: "only a swarm reserves it, and Compose ignores it too"},
	{name: "ulimits", parts: "single soft hard", apply: mapUlimits},
	{name: "shm_size", apply: mapShmSize},
	{name: "storage_opt", apply: mapStorage},
	{name: "blkio_config", parts: blkioParts, apply: mapBlkio},
}

func mapCPU(b *blueprint, s types.ServiceConfig) error {
	b.Host.NanoCPUs = nano(s.CPUS)
	b.Host.CPUShares = s.CPUShares
	b.Host.CPUPeriod = s.CPUPeriod
	b.Host.CPUQuota = s.CPUQuota
	b.Host.CPURealtimePeriod = s.CPURTPeriod
	b.Host.CPURealtimeRuntime = s.CPURTRuntime
	b.Host.CpusetCpus = s.CPUSet
	return nil
}

// nano turns a number of processors into billionths of one. It multiplies in 32 bits, where compose-go's number is exact
// enough, and where Compose does.
func nano(cpus float32) int64 { return int64(cpus * 1e9) }

// mapMemory cannot tell a swappiness of 0 from none: compose-go does not, and so Compose leaves both to the machine.
func mapMemory(b *blueprint, s types.ServiceConfig) error {
	b.Host.Memory = int64(s.MemLimit)
	b.Host.MemoryReservation = int64(s.MemReservation)
	b.Host.MemorySwap = int64(s.MemSwapLimit)
	if s.MemSwappiness != 0 {
		swappiness := int64(s.MemSwappiness)
		b.Host.MemorySwappiness = &swappiness
	}
	b.Host.OomKillDisable = &s.OomKillDisable
	b.Host.OomScoreAdj = int(s.OomScoreAdj)
	return nil
}

func mapPids(b *blueprint, s types.ServiceConfig) error {
	if s.PidsLimit != 0 {
		b.Host.PidsLimit = &s.PidsLimit
	}
	return nil
}

func mapLimits(b *blueprint, s types.ServiceConfig) error {
	if s.Deploy == nil || s.Deploy.Resources.Limits == nil {
		return nil
	}
	limits := s.Deploy.Resources.Limits
	if limits.NanoCPUs != 0 {
		b.Host.NanoCPUs = nano(limits.NanoCPUs.Value())
	}
	if limits.MemoryBytes != 0 {
		b.Host.Memory = int64(limits.MemoryBytes)
	}
	if limits.Pids > 0 {
		b.Host.PidsLimit = &limits.Pids
	}
	return nil
}

func mapReservations(b *blueprint, s types.ServiceConfig) error {
	if s.Deploy == nil || s.Deploy.Resources.Reservations == nil {
		return nil
	}
	if memory := s.Deploy.Resources.Reservations.MemoryBytes; memory != 0 {
		b.Host.MemoryReservation = int64(memory)
	}
	return nil
}

func mapUlimits(b *blueprint, s types.ServiceConfig) error {
	for _, name := range slices.Sorted(maps.Keys(s.Ulimits)) {
		u := s.Ulimits[name]
		soft, hard := cmp.Or(u.Soft, u.Single), cmp.Or(u.Hard, u.Single)
		b.Host.Ulimits = append(b.Host.Ulimits, &container.Ulimit{Name: name, Soft: int64(soft), Hard: int64(hard)})
	}
	return nil
}

func mapShmSize(b *blueprint, s types.ServiceConfig) error {
	b.Host.ShmSize = int64(s.ShmSize)
	return nil
}

func mapStorage(b *blueprint, s types.ServiceConfig) error {
	b.Host.StorageOpt = s.StorageOpt
	return nil
}
