package compose

import (
	"strings"
)

// table has the rows of one kind of thing in a compose file.
type table struct {
	kind string // service, network, ...
	rows []attribute
}

// tables cover everything that a compose file may say.
var tables = []table{serviceTable, networkTable, volumeTable, configTable, secretTable, projectTable}

var (
	serviceTable = table{"service", attributes}
	networkTable = table{"network", []attribute{ // resources.go
		{name: "name driver driver_opts external internal attachable labels enable_ipv6"},
		{name: "enable_ipv4", since: "1.48"},
		{name: "ipam", parts: "driver config options config.subnet config.gateway config.ip_range config.aux_addresses"},
	}}
	volumeTable = table{"volume", []attribute{{name: "name driver driver_opts external labels"}}} // resources.go
	configTable = table{"config", fileObjectAttributes}
	secretTable = table{"secret", fileObjectAttributes}
	// projectTable is about the top level of the file. Of it, a project has to be asked for models and jobs alone.
	projectTable = table{"project", []attribute{
		{name: "services networks volumes configs secrets"},         // the tables above
		{name: "include", parts: "path project_directory env_file"}, // compose-go
		{name: "name", ignored: "a project is named after the app and the slice", quiet: true},
		{name: "version", ignored: "it is obsolete, and Compose ignores it too", quiet: true},
		{name: "models", refused: "verdigris runs no model runner"},
		{name: "jobs", refused: "verdigris runs a job as `migrate` or not at all"},
	}}
)

// index finds the row of each key.
func (t table) index() map[string]attribute {
	rows := map[string]attribute{}
	for _, a := range t.rows {
		for _, name := range strings.Fields(a.name) {
			rows[name] = a
			for _, part := range strings.Fields(a.parts) {
				rows[name+"."+part] = a
			}
		}
	}
	return rows
}

// ruling says what becomes of a key that a file sets: why it is refused, why it is ignored, or neither where it is mapped.
type ruling struct {
	key              string // as it is told to people: the outermost key that the verdict is about
	refused, ignored string
	quiet            bool
}

// judge looks a key up, and the keys around it: what is inside of an ignored or refused one shares its fate.
func judge(rows map[string]attribute, key, api string) ruling {
	if inner, ok := strings.CutPrefix(key, "pre_start."); ok && rows[key].name == "" {
		r := judge(rows, inner, api)
		r.key = "pre_start." + r.key
		return r
	}
	for outer := key; outer != ""; outer = parent(outer) {
		row, ok := rows[outer]
		switch {
		case ok && row.refused != "":
			return ruling{key: outer, refused: row.refused}
		case ok && row.ignored != "":
			return ruling{key: outer, ignored: row.ignored, quiet: row.quiet}
		case ok && outer == key && row.since != "" && olderThan(api, row.since):
			return ruling{key: key, refused: "it needs Docker API " + row.since + ", and this engine speaks " + api}
		case ok && outer == key:
			return ruling{key: key}
		}
	}
	return ruling{key: key, refused: "it has no mapping"}
}

// parent is the key around a key, empty at the top.
func parent(key string) string {
	return key[:max(0, strings.LastIndexByte(key, '.'))]
}
