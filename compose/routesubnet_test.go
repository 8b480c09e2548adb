package compose

import (
	"net/netip"
	"slices"
	"testing"
)

func TestRouteSubnet_OfAnySize_KeepsPlacesAndTheEnginesHalfApart(t *testing.T) {
	for _, text := range []string{"172.30.4.0/24", "192.168.16.0/26", "10.0.0.16/28", "10.0.0.8/29"} {
		subnet := netip.MustParsePrefix(text)
		s := routeSubnet(subnet)
		last := s.place(s.capacity())
		if s.place(1) != s.gateway().Next() || !subnet.Contains(last) || last.Next() != s.dynamic().Addr() {
			t.Errorf("%s: places %s to %s, then %s", text, s.place(1), last, s.dynamic())
		}
		if s.dynamic().Bits() != subnet.Bits()+1 || !subnet.Contains(s.dynamic().Addr()) || s.dynamic() != s.dynamic().Masked() {
			t.Errorf("%s: the engine's half is %s", text, s.dynamic())
		}
	}
	if got := routeSubnet(netip.MustParsePrefix("172.30.4.0/24")).capacity(); got != 126 {
		t.Errorf("a subnet has room for %d web containers", got)
	}
}

func TestFreeSubnets_WithSomeTaken_AreTheOthersInOrder(t *testing.T) {
	used := []netip.Prefix{netip.MustParsePrefix("10.231.0.0/24"), netip.MustParsePrefix("10.231.2.128/25"), netip.MustParsePrefix("172.17.0.0/16")}
	got := slices.Collect(freeSubnets(netip.MustParsePrefix("10.231.0.0/22"), used))
	want := []netip.Prefix{netip.MustParsePrefix("10.231.1.0/24"), netip.MustParsePrefix("10.231.3.0/24")}
	if !slices.Equal(got, want) {
		t.Errorf("free are %v, want %v", got, want)
	}
	if all := slices.Collect(freeSubnets(netip.MustParsePrefix("192.168.7.0/26"), nil)); len(all) != 1 || all[0].Bits() != 26 {
		t.Errorf("a pool that is smaller than a subnet is cut into %v", all)
	}
	if none := slices.Collect(freeSubnets(netip.MustParsePrefix("10.0.0.0/24"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})); len(none) != 0 {
		t.Errorf("of a range that is taken are free %v", none)
	}
}
