package compose

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mappings say for what stands below a service what the Engine is asked for.
var mappings = []struct{ file, path, want string }{
	// The process.
	{`command: echo "a b"`, "Config.Cmd", `["echo", "a b"]`},
	{`command: []`, "Config.Cmd", `[]`},
	{`entrypoint: ["/a", "b"]`, "Config.Entrypoint", `["/a", "b"]`},
	{`{}`, "Config.AttachStdout", `true`},
	{`{}`, "Config.AttachStderr", `true`},
	{`init: false`, "Host.Init", `false`},
	{`stop_grace_period: 1m1s`, "Config.StopTimeout", `61`},
	{`annotations: [a=b]`, "Host.Annotations", `{"a": "b"}`},
	{`logging: {driver: none}`, "Host.LogConfig", `{"Type": "none", "Config": null}`},
	// Restarts.
	{`{}`, "Host.RestartPolicy", `{"Name": "", "MaximumRetryCount": 0}`},
	{`restart: "no"`, "Host.RestartPolicy.Name", `"no"`},
	{`restart: "on-failure:5"`, "Host.RestartPolicy", `{"Name": "on-failure", "MaximumRetryCount": 5}`},
	{`restart: unless-stopped`, "Host.RestartPolicy.Name", `"unless-stopped"`},
	{`deploy: {restart_policy: {condition: any}}`, "Host.RestartPolicy.Name", `"always"`},
	{`deploy: {restart_policy: {condition: none}}`, "Host.RestartPolicy.Name", `"no"`},
	{`{restart: always, deploy: {restart_policy: {condition: on-failure, max_attempts: 4}}}`, "Host.RestartPolicy", `{"Name": "on-failure", "MaximumRetryCount": 4}`},
	// Limits.
	{`cpus: 0.1`, "Host.NanoCpus", `100000000`},
	{`cpus: 1.25`, "Host.NanoCpus", `1250000000`},
	{`deploy: {resources: {limits: {cpus: "0.0005"}}}`, "Host.NanoCpus", `500000`},
	{`cpu_rt_period: 1400`, "Host.CpuRealtimePeriod", `1400`},
	{`cpu_rt_runtime: 400`, "Host.CpuRealtimeRuntime", `400`},
	{`cpu_count: 2`, "Host.CpuCount", `2`},
	{`cpu_percent: 50`, "Host.CpuPercent", `5000`},
	{`cpuset: 0-3`, "Host.CpusetCpus", `"0-3"`},
	{`{mem_limit: 1g, memswap_limit: -1}`, "Host.MemorySwap", `-1`},
	{`mem_swappiness: 60`, "Host.MemorySwappiness", `60`},
	{`mem_swappiness: 0`, "Host.MemorySwappiness", `null`},
	{`{}`, "Host.OomKillDisable", `false`},
	{`oom_kill_disable: true`, "Host.OomKillDisable", `true`},
	{`oom_score_adj: -500`, "Host.OomScoreAdj", `-500`},
	{`pids_limit: -1`, "Host.PidsLimit", `-1`},
	{`{}`, "Host.PidsLimit", `null`},
	{`deploy: {resources: {limits: {pids: 9}}}`, "Host.PidsLimit", `9`},
	{`deploy: {resources: {reservations: {memory: 1k}}}`, "Host.MemoryReservation", `1024`},
	{`ulimits: {nofile: {soft: 1, hard: 2}}`, "Host.Ulimits", `[{"Name": "nofile", "Soft": 1, "Hard": 2}]`},
	{`ulimits: {core: -1}`, "Host.Ulimits", `[{"Name": "core", "Soft": -1, "Hard": -1}]`},
	{`storage_opt: {size: 1G}`, "Host.StorageOpt", `{"size": "1G"}`},
	{`blkio_config: {weight: 10}`, "Host.BlkioWeight", `10`},
	{`blkio_config: {weight_device: [{path: /dev/x, weight: 20}]}`, "Host.BlkioWeightDevice", `[{"Path": "/dev/x", "Weight": 20}]`},
	{`blkio_config: {device_read_bps: [{path: /dev/x, rate: 1k}]}`, "Host.BlkioDeviceReadBps", `[{"Path": "/dev/x", "Rate": 1024}]`},
	{`blkio_config: {device_write_bps: [{path: /dev/x, rate: 2}]}`, "Host.BlkioDeviceWriteBps", `[{"Path": "/dev/x", "Rate": 2}]`},
	{`blkio_config: {device_read_iops: [{path: /dev/x, rate: 3}]}`, "Host.BlkioDeviceReadIOps", `[{"Path": "/dev/x", "Rate": 3}]`},
	{`blkio_config: {device_write_iops: [{path: /dev/x, rate: 4}]}`, "Host.BlkioDeviceWriteIOps", `[{"Path": "/dev/x", "Rate": 4}]`},
	// Devices.
	{`devices: [/dev/a]`, "Host.Devices", `[{"PathOnHost": "/dev/a", "PathInContainer": "/dev/a", "CgroupPermissions": "rwm"}]`},
	{`devices: [vendor.com/gpu=all]`, "Host.DeviceRequests", `[{"Driver": "cdi", "Count": 0, "DeviceIDs": ["vendor.com/gpu=all"], "Capabilities": null, "Options": null}]`},
	{`gpus: all`, "Host.DeviceRequests", `[{"Driver": "", "Count": -1, "DeviceIDs": null, "Capabilities": [["gpu"]], "Options": null}]`},
	{
		`gpus: [{driver: d, device_ids: [a], capabilities: [c], options: {o: p}}]`, "Host.DeviceRequests",
		`[{"Driver": "d", "Count": 0, "DeviceIDs": ["a"], "Capabilities": [["c", "gpu"]], "Options": {"o": "p"}}]`,
	},
	{
		`deploy: {resources: {reservations: {devices: [{capabilities: [gpu, x], count: 2}]}}}`, "Host.DeviceRequests",
		`[{"Driver": "", "Count": 2, "DeviceIDs": null, "Capabilities": [["gpu", "x"]], "Options": null}]`,
	},
	{`device_cgroup_rules: ["c 1:3 mr"]`, "Host.DeviceCgroupRules", `["c 1:3 mr"]`},
	// Security.
	{`security_opt: ["seccomp:unconfined", "label=disable", no-new-privileges]`, "Host.SecurityOpt", `["seccomp:unconfined", "label=disable", "no-new-privileges"]`},
	{`security_opt: ["seccomp=./profile.json"]`, "Host.SecurityOpt", `["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]`},
	{`security_opt: ["systempaths=unconfined"]`, "Host.MaskedPaths", `[]`},
	{`security_opt: ["systempaths=unconfined"]`, "Host.ReadonlyPaths", `[]`},
	{`security_opt: ["systempaths=unconfined"]`, "Host.SecurityOpt", `null`},
	{`{}`, "Host.MaskedPaths", `null`},
	{`group_add: [video, 1000]`, "Host.GroupAdd", `["video", "1000"]`},
	{`isolation: default`, "Host.Isolation", `"default"`},
	{`runtime: runc`, "Host.Runtime", `"runc"`},
	{`platform: linux/arm64/v8`, "Platform", `{"architecture": "arm64", "os": "linux", "variant": "v8"}`},
	// Mounts.
	{`volumes: ["./a:/a"]`, "Host.Binds", `["DIR/a:/a:rw"]`},
	{`volumes: ["./a:/a:ro,z"]`, "Host.Binds", `["DIR/a:/a:ro,z"]`},
	{`volumes: ["./a:/a:rshared"]`, "Host.Mounts", `[{"Type": "bind", "Source": "DIR/a", "Target": "/a", "BindOptions": {"Propagation": "rshared", "CreateMountpoint": true}}]`},
	{`volumes: [{type: bind, source: ./a, target: /a, bind: {create_host_path: false}}]`, "Host.Mounts", `[{"Type": "bind", "Source": "DIR/a", "Target": "/a", "BindOptions": {}}]`},
	{`volumes: [{type: bind, source: ./a, target: /a, bind: {recursive: disabled}}]`, "Host.Mounts.0.BindOptions", `{"NonRecursive": true, "CreateMountpoint": true}`},
	{`volumes: [{type: bind, source: ./a, target: /a, bind: {recursive: writable}}]`, "Host.Mounts.0.BindOptions", `{"ReadOnlyNonRecursive": true, "CreateMountpoint": true}`},
	{`volumes: [{type: bind, source: ./a, target: /a, bind: {recursive: readonly}}]`, "Host.Mounts.0.BindOptions", `{"ReadOnlyForceRecursive": true, "CreateMountpoint": true}`},
	{`volumes: ["data:/a:ro"]`, "Host.Binds", `["APP-blue_data:/a:ro"]`},
	{`volumes: ["data:/a:nocopy"]`, "Host.Mounts", `[{"Type": "volume", "Source": "APP-blue_data", "Target": "/a", "VolumeOptions": {"NoCopy": true}}]`},
	{`volumes: [{type: volume, source: data, target: /a, volume: {subpath: b}}]`, "Host.Mounts.0.VolumeOptions", `{"Subpath": "b"}`},
	{`volumes: [{type: volume, source: data, target: /a, volume: {labels: {c: d}}}]`, "Host.Mounts.0.VolumeOptions", `{"Labels": {"c": "d"}}`},
	{`volumes: [/a]`, "Host.Mounts", `[{"Type": "volume", "Target": "/a"}]`},
	{`volumes: [{type: volume, target: /a, volume: {}}]`, "Host.Mounts", `[{"Type": "volume", "Target": "/a", "VolumeOptions": {}}]`},
	{`volumes: [{type: tmpfs, target: /a, tmpfs: {size: 1m, mode: 0o1777}}]`, "Host.Mounts", `[{"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"SizeBytes": 1048576, "Mode": 1023}}]`},
	{`volumes: [{type: image, source: debian, target: /a, image: {subpath: etc}}]`, "Host.Mounts", `[{"Type": "image", "Source": "debian", "Target": "/a", "ImageOptions": {"Subpath": "etc"}}]`},
	{`tmpfs: ["/run:size=1m", /tmp]`, "Host.Tmpfs", `{"/run": "size=1m", "/tmp": ""}`},
	// Health.
	{`healthcheck: {test: exit 0}`, "Config.Healthcheck", `{"Test": ["CMD-SHELL", "exit 0"]}`},
	{`healthcheck: {test: [CMD, a, b]}`, "Config.Healthcheck", `{"Test": ["CMD", "a", "b"]}`},
	{`healthcheck: {test: [NONE]}`, "Config.Healthcheck", `{"Test": ["NONE"]}`},
	{`healthcheck: {disable: true, interval: 2s}`, "Config.Healthcheck", `{"Test": ["NONE"], "Interval": 2000000000}`},
	{`healthcheck: {interval: 2s, timeout: 1s, retries: 7}`, "Config.Healthcheck", `{"Interval": 2000000000, "Timeout": 1000000000, "Retries": 7}`},
	{`healthcheck: {test: a, start_period: 3s, start_interval: 1s}`, "Config.Healthcheck", `{"Test": ["CMD-SHELL", "a"], "StartPeriod": 3000000000, "StartInterval": 1000000000}`},
}

func TestWhatAServiceSaysIsWhatTheEngineIsAskedFor(t *testing.T) {
	for _, m := range mappings {
		t.Run(m.file, func(t *testing.T) {
			s := serviceSite(t, m.file)
			s.write("profile.json", "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n")
			b := s.mapped(1)
			want := strings.NewReplacer("DIR", s.dir, "APP", s.settings.App).Replace(m.want)
			if got := at(t, b, m.path); !reflect.DeepEqual(got, parsed(t, want)) {
				t.Errorf("%s is %v, want %s", m.path, got, want)
			}
		})
	}
}

// serviceSite has one service of which the file says what is given, in YAML's flow or block style.
func serviceSite(t *testing.T, service string) *site {
	t.Helper()
	return newSite(t, nil, "x-web: &web "+braced(service)+"\nservices:\n  web:\n    <<: *web\n    image: x\nvolumes: {data: }\n")
}

// at returns what stands at the path, keys and indices separated by dots, when JSON has been made of the value.
func at(t *testing.T, value any, path string) any {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	current := parsed(t, string(content))
	for _, step := range strings.Split(path, ".") {
		switch v := current.(type) {
		case map[string]any:
			current = v[step]
		case []any:
			if step != "0" || len(v) == 0 {
				t.Fatalf("%s has no %s", content, path)
			}
			current = v[0]
		default:
			t.Fatalf("%s has no %s", content, path)
		}
	}
	return current
}

func parsed(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestValuesThatCannotBeHonouredAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ api, file, want string }{
		{"", `isolation: hyperv`, "service web: isolation: hyperv (blue.yml:1), only Windows"},
		{"", `restart: sometimes`, "restart: sometimes (blue.yml:1), the conditions are"},
		{"", `restart: "always:3"`, "only on-failure counts attempts"},
		{"", `deploy: {restart_policy: {condition: any, max_attempts: 3}}`, "only on-failure counts attempts"},
		{"", `deploy: {mode: replicated-job}`, "deploy.mode: replicated-job"},
		{"", `platform: "linux/a/b/c/d"`, "platform: linux/a/b/c/d"},
		{"", `security_opt: [nonsense]`, "security_opt: nonsense"},
		{"", `security_opt: ["seccomp=./nope.json"]`, "read seccomp profile ./nope.json"},
		{"", `security_opt: ["seccomp="]`, "it names no profile"},
		{"", `security_opt: ["seccomp=blue.yml"]`, "read seccomp profile blue.yml"},
		{"", `volumes: [{type: npipe, source: a, target: b}]`, "volumes.type: npipe"},
		{"", `volumes: [{type: cluster, source: a, target: /b}]`, "volumes.type: cluster"},
		{"", `healthcheck: {test: a, start_interval: 1s}`, "without a start_period"},
		{"", `umask: 0o77`, "umask"},
		{"", `credential_spec: {file: a}`, "only Windows"},
		{"1.43", `healthcheck: {test: a, start_period: 1s, start_interval: 1s}`, "healthcheck.start_interval (blue.yml:1), it needs Docker API 1.44"},
		{"1.42", `annotations: {a: b}`, "it needs Docker API 1.43"},
		{"1.43", `devices: [vendor.com/gpu=all]`, "it needs Docker API 1.44"},
		{"1.43", `volumes: [{type: bind, source: ./a, target: /a, bind: {recursive: readonly}}]`, "it needs Docker API 1.44"},
		{"1.44", `volumes: [{type: volume, source: data, target: /a, volume: {subpath: b}}]`, "it needs Docker API 1.45"},
		{"1.47", `volumes: [{type: image, source: a, target: /a}]`, "it needs Docker API 1.48"},
	} {
		t.Run(c.file, func(t *testing.T) {
			s := serviceSite(t, c.file)
			p, err := s.load(deploy.Blue)
			if err != nil {
				t.Fatal(err)
			}
			if c.api != "" {
				p.api = c.api
			}
			if err = s.check(p); err == nil {
				_, err = newPlan(p, observation{}, nil)
			}
			testkit.ErrorContains(t, err, c.want)
		})
	}
}

func TestWhatOnlyASwarmReservesIsTold(t *testing.T) {
	s := serviceSite(t, `{deploy: {mode: global, resources: {reservations: {cpus: "1"}}, restart_policy: {delay: 1s, window: 2s}}, cpu_count: 2}`)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.check(p); err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(p.ignored(), "\n")
	for _, key := range []string{"deploy.resources.reservations.cpus", "deploy.restart_policy.delay", "deploy.restart_policy.window", "cpu_count"} {
		if !strings.Contains(notes, "service web: "+key+" (blue.yml:1) has no effect") {
			t.Errorf("%s is not in the notes:\n%s", key, notes)
		}
	}
}

func TestContainersAreToldOfTheMachinesProxies(t *testing.T) {
	s := serviceSite(t, `environment: {no_proxy: mine}`)
	s.write("docker/config.json", `{"proxies": {"default": {"httpProxy": "http://proxy:3128", "noProxy": "theirs"}}}`)
	s.engine.ConfigDir = s.dir + "/docker"
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.blueprint(p.Services["web"], 1)
	if err != nil {
		t.Fatal(err)
	}
	with, env := b.hash(true), " "+strings.Join(b.Config.Env, " ")+" "
	for _, want := range []string{" HTTP_PROXY=http://proxy:3128 ", " http_proxy=http://proxy:3128 ", " NO_PROXY=theirs ", " no_proxy=mine "} {
		if !strings.Contains(env, want) {
			t.Errorf("the environment is %s without %s", env, want)
		}
	}
	s.write("docker/config.json", `{}`)
	if p, err = s.load(deploy.Blue); err != nil {
		t.Fatal(err)
	}
	if b, err = p.blueprint(p.Services["web"], 1); err != nil {
		t.Fatal(err)
	}
	if b.hash(true) != with {
		t.Error("other proxies make another configuration")
	}
}
