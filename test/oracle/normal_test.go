package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ephemeral are the parts of a container that are another with each container, or that the engine makes up of the
// rest: paths of its own, and the state of the moment.
var ephemeral = []string{
	"Id", "Created", "State", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "RestartCount", "ExecIDs", "GraphDriver",
}

// ephemeralSettings are parts of NetworkSettings that are handed out, or repeat what stands below Networks.
var ephemeralSettings = []string{
	"SandboxID", "SandboxKey", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen", "IPv6Gateway",
	"MacAddress", "Bridge", "HairpinMode", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen", "SecondaryIPAddresses", "SecondaryIPv6Addresses",
}

// normalContainer takes away what differs by nature, and turns lists whose order means nothing into sets.
func normalContainer(c map[string]any) map[string]any {
	without(c, ephemeral...)
	config, host := child(c, "Config"), child(c, "HostConfig")
	byKey(config, "Env", variableName)
	if labels := child(config, "Labels"); labels["com.docker.compose.config-hash"] != nil && refersByID(host) {
		labels["com.docker.compose.config-hash"] = "<sum of an id and more>"
	}
	if labels := child(config, "Labels"); labels["com.docker.compose.depends_on"] != nil {
		labels["com.docker.compose.depends_on"] = sorted(labels["com.docker.compose.depends_on"].(string))
	}
	byKey(host, "Binds", bindTarget)
	byKey(host, "Mounts", field("Target"))
	byKey(host, "Ulimits", field("Name"))
	byKey(host, "ExtraHosts", itself)
	byKey(host, "Links", itself)
	for _, m := range items(c["Mounts"]) {
		anonymous(m.(map[string]any))
	}
	byKey(c, "Mounts", field("Destination"))
	normalSettings(child(c, "NetworkSettings"))
	return tidy(c).(map[string]any)
}

// refersByID tells whether the container shares something with another one, known by its id. Compose sums the id up too, and
// so the hash is never the same twice.
func refersByID(host map[string]any) bool {
	shared := append(items(host["VolumesFrom"]), host["NetworkMode"], host["PidMode"], host["IpcMode"])
	return slices.ContainsFunc(shared, func(value any) bool { return strings.Contains(text(value), "<id of /") })
}

func normalSettings(settings map[string]any) {
	without(settings, ephemeralSettings...)
	// Which ports are asked for stands in HostConfig.PortBindings; here are those that were free.
	for _, bindings := range child(settings, "Ports") {
		for _, b := range items(bindings) {
			delete(b.(map[string]any), "HostPort")
		}
	}
	for _, endpoint := range child(settings, "Networks") {
		normalEndpoint(endpoint.(map[string]any))
	}
}

// normalEndpoint keeps addresses where the file asks for one.
func normalEndpoint(e map[string]any) {
	without(e, "NetworkID", "EndpointID", "Gateway", "IPv6Gateway", "IPPrefixLen", "GlobalIPv6PrefixLen")
	asked := child(e, "IPAMConfig")
	if mac := text(e["MacAddress"]); mac == derivedMAC(text(e["IPAddress"])) || !strings.HasPrefix(mac, askedMACs) {
		delete(e, "MacAddress")
	}
	if text(asked["IPv4Address"]) == "" {
		delete(e, "IPAddress")
	}
	if text(asked["IPv6Address"]) == "" {
		delete(e, "GlobalIPv6Address")
	}
	byKey(e, "Aliases", itself)
	byKey(e, "DNSNames", itself)
	byKey(e, "Links", itself)
}

// askedMACs is how the hardware addresses begin that the corpus asks for. Engines make up others: older ones derive them
// from the IPv4 address, and newer ones draw lots.
const askedMACs = "02:42:ac:11:65:"

// derivedMAC is the hardware address that an older engine makes from an IPv4 address.
func derivedMAC(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is4() {
		return ""
	}
	b := ip.As4()
	return fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
}

func normalNetwork(n map[string]any) map[string]any {
	without(n, "Id", "Created", "Containers")
	ipam := child(n, "IPAM")
	for _, pool := range items(ipam["Config"]) {
		p := pool.(map[string]any)
		if handedOut(text(p["Subnet"])) {
			without(p, "Subnet", "Gateway")
		}
	}
	return tidy(n).(map[string]any)
}

// handedOut tells whether a subnet is one of those that the engine chooses itself; the corpus asks for others.
func handedOut(subnet string) bool {
	prefix, err := netip.ParsePrefix(subnet)
	if err != nil {
		return false
	}
	return netip.MustParsePrefix("172.16.0.0/12").Contains(prefix.Addr()) || netip.MustParsePrefix("192.168.0.0/16").Contains(prefix.Addr())
}

func normalVolume(v map[string]any) map[string]any {
	without(v, "CreatedAt", "Status")
	return tidy(v).(map[string]any)
}

// anonymous replaces the name of a volume that has none of its own.
func anonymous(m map[string]any) {
	name := text(m["Name"])
	if len(name) == 64 && strings.Trim(name, "0123456789abcdef") == "" {
		m["Name"] = "<anonymous>"
		m["Source"] = strings.ReplaceAll(text(m["Source"]), name, "<anonymous>")
	}
}

// telling are lists where an empty one means something else than none: it takes away what the image or the engine sets.
var telling = []string{"Cmd", "Entrypoint", "MaskedPaths", "ReadonlyPaths"}

// tidy leaves out what is empty, since the engine takes an empty list for none.
func tidy(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	for key, v := range object {
		v = tidy(v)
		object[key] = v
		if isEmpty(v) && !(slices.Contains(telling, key) && v != nil) {
			delete(object, key)
		}
	}
	return object
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// byKey turns the list below key into a set, for lists whose order means nothing.
func byKey(object map[string]any, key string, name func(any) string) {
	if object[key] == nil {
		return
	}
	set := map[string]any{}
	for _, item := range items(object[key]) {
		set[name(item)] = item
	}
	object[key] = set
}

func itself(item any) string { return item.(string) }

func field(key string) func(any) string {
	return func(item any) string { return text(item.(map[string]any)[key]) }
}

func variableName(item any) string {
	name, _, _ := strings.Cut(item.(string), "=")
	return name
}

// bindTarget is where in the container source:target[:options] is mounted.
func bindTarget(item any) string {
	parts := strings.Split(item.(string), ":")
	return parts[min(1, len(parts)-1)]
}

func sorted(list string) string {
	parts := strings.Split(list, ",")
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func without(object map[string]any, keys ...string) {
	for _, key := range keys {
		delete(object, key)
	}
}

// child is the object below key; an empty one where there is none.
func child(object map[string]any, key string) map[string]any {
	c, _ := object[key].(map[string]any)
	return c
}

func items(value any) []any {
	list, _ := value.([]any)
	return list
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
