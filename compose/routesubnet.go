package compose

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
)

// routeBits is the size of a route network's subnet: room for 126 web containers. A pool that is smaller is one subnet.
const routeBits = 24

// routeSubnet is the range of addresses of a route network. Verdigris hands out its lower half: the gateway has the first
// address, and web container number n the n-th one after it, always. The upper half is the engine's to hand out, so that no
// router ever gets the address of a web container that is down.
type routeSubnet netip.Prefix

// half is how many addresses each half has.
func (s routeSubnet) half() int { return 1 << (31 - netip.Prefix(s).Bits()) }

// address is the one that many addresses after the first.
func (s routeSubnet) address(offset int) netip.Addr {
	first := netip.Prefix(s).Masked().Addr().As4()
	var out [4]byte
	binary.BigEndian.PutUint32(out[:], binary.BigEndian.Uint32(first[:])+uint32(offset))
	return netip.AddrFrom4(out)
}

func (s routeSubnet) gateway() netip.Addr { return s.address(1) }

// capacity is how many web containers have a place.
func (s routeSubnet) capacity() int { return s.half() - 2 }

// place is the address of web container number n, from 1 to the capacity.
func (s routeSubnet) place(n int) netip.Addr { return s.address(1 + n) }

// dynamic is the half that the engine hands out.
func (s routeSubnet) dynamic() netip.Prefix {
	return netip.PrefixFrom(s.address(s.half()), netip.Prefix(s).Bits()+1)
}

// subnetsOf are the subnets of a pool, in order.
func subnetsOf(pool netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		bits := max(routeBits, pool.Bits())
		count, size := 1<<(bits-pool.Bits()), 1<<(32-bits)
		for i := range count {
			if !yield(netip.PrefixFrom(routeSubnet(pool).address(i*size), bits)) {
				return
			}
		}
	}
}

// firstSubnet is the first one of a pool that is free as a whole.
func firstSubnet(pool netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(pool.Masked().Addr(), max(routeBits, pool.Bits()))
}

// freeSubnets are those of the pool that overlap with none of the used ranges.
func freeSubnets(pool netip.Prefix, used []netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for subnet := range subnetsOf(pool) {
			if !slices.ContainsFunc(used, subnet.Overlaps) && !yield(subnet) {
				return
			}
		}
	}
}
