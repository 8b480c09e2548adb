package compose

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"verdigris/internal/testkit"
)

// networked is a service with all that its networks may say.
const networked = `
services:
  web:
    image: web
    mac_address: 02:42:ac:11:65:43
    links: [db, "db:database"]
    external_links: [theirs, "theirs:partner"]
    networks:
      front:
        priority: 10
        aliases: [www]
        ipv4_address: 10.9.8.7
        ipv6_address: fd00::7
        link_local_ips: [169.254.8.8]
        gw_priority: 5
        interface_name: front0
        driver_opts: {com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.forwarding=1"}
      back: {mac_address: 02:42:ac:11:65:44, use_service_name_alias: false}
      other:
    ports:
      - "8000-8002:80"
      - "127.0.0.1:9000-9001:90-91/udp"
      - {target: 70, published: "7000", protocol: sctp, mode: host, name: metrics, app_protocol: http}
      - "[::1]:6000:60"
    expose: ["3000-3002/udp", "4000"]
    extra_hosts: ["b:2.2.2.2", "b:1.1.1.1", "a:[fd00::1]", "gate=host-gateway"]
    dns: [1.1.1.1, "fd00::53"]
    dns_opt: [ndots:2]
    dns_search: [example.org]
  db: {image: db, scale: 2}
networks:
  front:
    driver: bridge
    driver_opts: {com.docker.network.driver.mtu: "1400"}
    internal: true
    attachable: true
    enable_ipv4: true
    enable_ipv6: true
    labels: {kind: front}
    ipam:
      driver: default
      options: {some: option}
      config:
        - {subnet: 10.9.8.0/24, gateway: 10.9.8.254, ip_range: 10.9.8.128/25, aux_addresses: {printer: 10.9.8.9}}
        - {subnet: "fd00::/64"}
  back:
  other:
`

func TestAllOfANetworkReachesTheEngine(t *testing.T) {
	s := newSite(t, nil, networked)
	p := s.accepted()
	b, err := p.blueprint(p.Services["web"], 1)
	if err != nil {
		t.Fatal(err)
	}
	front := p.networkOptions("front")
	if front.Labels["kind"] != "front" || front.Labels[labelNetwork] != "front" || front.Labels[labelHash] == "" {
		t.Errorf("labels are %v", front.Labels)
	}
	front.Labels = nil // the rest depends on the version and on the app's name
	h := b.Host
	s.golden("networked.json", indented(t, map[string]any{
		"networks": b.Networks, "mode": h.NetworkMode, "links": h.Links, "exposed": b.Config.ExposedPorts, "published": h.PortBindings,
		"hosts": h.ExtraHosts, "dns": [][]string{h.DNS, h.DNSOptions, h.DNSSearch}, "network": front,
	}))
}

func TestAnOlderEngineHasOneMACAddressForAContainer(t *testing.T) {
	const file = "services: {web: {image: x, mac_address: '02:42:ac:11:65:43', networks: {a: {priority: 1}, b: {}}}}\nnetworks: {a: , b: }"
	for api, whole := range map[string]string{"1.43": "02:42:ac:11:65:43", "1.44": ""} {
		s := newSite(t, nil, file)
		p := s.accepted()
		p.api = api
		b, err := p.blueprint(p.Services["web"], 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := *onlyMAC(b.Config); got != whole || (b.Networks[0].Settings.MacAddress == "") != (whole != "") || b.Networks[1].Settings.MacAddress != "" {
			t.Errorf("with API %s the container has %q and its first network %q", api, got, b.Networks[0].Settings.MacAddress)
		}
	}
	s := newSite(t, nil, "services: {web: {image: x, networks: {a: {priority: 1}, b: {mac_address: '02:42:ac:11:65:43'}}}}\nnetworks: {a: , b: }")
	p := s.accepted()
	p.api = "1.43"
	_, err := p.blueprint(p.Services["web"], 1)
	testkit.ErrorContains(t, err, "networks.mac_address: of the second network b (blue.yml:1), it needs Docker API 1.44")
}

func TestTheEnginesOwnBridgeTakesAMACAddressAndLinks(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x, network_mode: bridge, mac_address: '02:42:ac:11:65:43', external_links: ['theirs:db']}}")
	b := s.mapped(1)
	want := []attachment{{"bridge", &network.EndpointSettings{MacAddress: "02:42:ac:11:65:43"}}}
	if len(b.Networks) != 1 || b.Networks[0].Network != want[0].Network || b.Networks[0].Settings.MacAddress != want[0].Settings.MacAddress {
		t.Errorf("networks are %+v", b.Networks)
	}
	if b.Host.NetworkMode != "bridge" || !slices.Equal(b.Host.Links, []string{"theirs:db"}) {
		t.Errorf("mode %s, links %q", b.Host.NetworkMode, b.Host.Links)
	}
}

func TestANetworkCanBeDisabled(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x, network_mode: disabled}}")
	p := s.accepted()
	b, err := p.blueprint(p.Services["web"], 1)
	if err != nil || !b.Config.NetworkDisabled {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestARangeOfHostPortsServesSeveralContainers(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: x, scale: 3, ports: ['8000-8002:80']}}")
	p := s.accepted()
	b, err := p.blueprint(p.Services["web"], 3)
	if err != nil || b.Host.PortBindings["80/tcp"][0] != (nat.PortBinding{HostPort: "8000-8002"}) {
		t.Errorf("%v, %v", b, err)
	}
}

func TestNetworksThatCannotWorkAreRefusedByName(t *testing.T) {
	for name, c := range map[string]struct{ service, want string }{
		"a range that is too small":       {"scale: 4, ports: ['8000-8002:80']", "a range of 4"},
		"a protocol of nobody":            {"ports: [{target: 80, protocol: icmp}]", "protocol icmp"},
		"a range that runs backwards":     {"ports: [{target: 80, published: '90-80'}]", "published 90-80"},
		"an address that is none":         {"networks: {default: {ipv4_address: 10.0.0.300}}", "10.0.0.300 is no address"},
		"a link-local address":            {"networks: {default: {link_local_ips: [x]}}", "x is no address"},
		"two addresses of one endpoint":   {"mac_address: '02:42:ac:11:65:43', networks: {default: {mac_address: '02:42:ac:11:65:44'}}", "they are one"},
		"a hardware address that is none": {"mac_address: nonsense", "mac_address: nonsense is no hardware address"},
		"a hardware address of the host":  {"mac_address: '02:42:ac:11:65:43', network_mode: host", "mac_address: together with network_mode: host"},
		"a name server that is none":      {"dns: [resolver]", "resolver is no address"},
		"a host that is no address":       {"extra_hosts: ['a:b']", "b of a is neither"},
		"ports in another's network":      {"ports: [80], network_mode: 'container:x'", "ports: together with network_mode: container:x"},
		"a host name in another's":        {"hostname: h, network_mode: 'service:db'", "hostname: together with network_mode: service:db"},
		"the socket of the engine":        {"use_api_socket: true", "registry credentials"},
		"the volumes of nobody":           {"volumes_from: [none]", "none"},
		"memory of a service of scale 0":  {"ipc: 'service:off'", "shares the memory of off, which has no container"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil, "services: {web: {image: x, "+c.service+"}, db: {image: x}, off: {image: x, scale: 0}}")
			testkit.ErrorContains(t, s.refusal(), c.want, "blue.yml:1")
		})
	}
}

func TestOldEnginesRefuseWhatTheyCannotDo(t *testing.T) {
	s := newSite(t, nil, networked)
	p := s.accepted()
	p.api = "1.44"
	testkit.ErrorContains(t, p.refuse(), "networks.gw_priority", "networks.interface_name", "enable_ipv4", "needs Docker API 1.48", "needs Docker API 1.49")
}

func TestExternalNetworksAreFoundByNameOrID(t *testing.T) {
	s := newSite(t, nil, "services: {web: {image: web, networks: [front]}}\nnetworks: {front: {external: true, name: the-front}}")
	plan := func(networks ...foundNetwork) error {
		_, err := s.planOf(commitA, observation{networks: networks}, someImages)
		return err
	}
	testkit.ErrorContains(t, plan(foundNetwork{id: "the-front-is-longer"}), "network the-front does not exist")
	testkit.Must(t, plan(foundNetwork{id: "1", name: "the-front"}))
	testkit.Must(t, plan(foundNetwork{id: "the-front", name: "by-id"}))
	testkit.ErrorContains(t, plan(foundNetwork{id: "1", name: "the-front"}, foundNetwork{id: "2", name: "the-front"}), "several networks have the name the-front")

	s = newSite(t, nil, "services: {web: {image: web, networks: [front]}}\nnetworks: {front: {external: true, name: host}}")
	testkit.ErrorContains(t, plan(foundNetwork{id: "1", name: "host"}), "network host is the engine's own")
}
