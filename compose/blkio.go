package compose

import (
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/blkiodev"
)

// blkioParts are the keys of blkio_config. compose-go names what is inside of its lists by the fields of its types.
const blkioParts = "weight weight_device weight_device.path weight_device.weight" +
	" device_read_bps device_read_bps.path device_read_bps.rate device_read_iops device_read_iops.path device_read_iops.rate" +
	" device_write_bps device_write_bps.path device_write_bps.rate device_write_iops device_write_iops.path device_write_iops.rate"

// mapBlkio shares out the block devices.
func mapBlkio(b *blueprint, s types.ServiceConfig) error {
	c := s.BlkioConfig
	if c == nil {
		return nil
	}
	b.Host.BlkioWeight = c.Weight
	for _, d := range c.WeightDevice {
		b.Host.BlkioWeightDevice = append(b.Host.BlkioWeightDevice, &blkiodev.WeightDevice{Path: d.Path, Weight: d.Weight})
	}
	b.Host.BlkioDeviceReadBps = throttles(c.DeviceReadBps)
	b.Host.BlkioDeviceReadIOps = throttles(c.DeviceReadIOps)
	b.Host.BlkioDeviceWriteBps = throttles(c.DeviceWriteBps)
	b.Host.BlkioDeviceWriteIOps = throttles(c.DeviceWriteIOps)
	return nil
}

func throttles(devices []types.ThrottleDevice) (list []*blkiodev.ThrottleDevice) {
	for _, d := range devices {
		list = append(list, &blkiodev.ThrottleDevice{Path: d.Path, Rate: uint64(d.Rate)})
	}
	return list
}
