package compose

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// everything is a service with all that is mapped.
const everything = `
services:
  web:
    image: web
    container_name: my-web
    command: ["serve", "--all"]
    entrypoint: /entry
    environment: {B: "2", A: "1", GONE: }
    user: "1000:1000"
    working_dir: /srv/app
    hostname: host
    domainname: example.org
    tty: true
    stdin_open: true
    init: true
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    restart: on-failure:3
    labels: {my.label: "yes"}
    logging: {driver: json-file, options: {max-size: 10m}}
    cpus: 0.3
    cpu_shares: 512
    cpuset: "0"
    mem_limit: 64m
    memswap_limit: 128m
    pids_limit: 50
    deploy:
      resources:
        reservations: {memory: 32m}
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 99}
    shm_size: 16m
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    privileged: true
    read_only: true
    group_add: [video]
    security_opt: ["no-new-privileges:true"]
    devices: ["/dev/null:/dev/nothing:r"]
    device_cgroup_rules: ["c 1:3 mr"]
    gpus: [{driver: nvidia, count: 2}]
    annotations: {org.example.note: "yes"}
    platform: linux/amd64
    blkio_config: {weight: 300}
    sysctls: {net.core.somaxconn: "1024"}
    pid: host
    networks:
      back: {aliases: [db], ipv4_address: 10.9.8.7}
      front: {priority: 10}
    ports: ["127.0.0.1:8080:80", "53:53/udp", "9000"]
    expose: ["7000"]
    extra_hosts: ["a:1.2.3.4"]
    dns: [1.1.1.1]
    dns_search: [example.org]
    volumes:
      - ./here:/bind:ro
      - {type: bind, source: ./strict, target: /strict, bind: {create_host_path: false}}
      - data:/data
      - outside:/outside
      - /anonymous
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1024}}
    tmpfs: ["/run:size=1m"]
    configs: [{source: conf, target: /etc/conf}, other]
    secrets: [password]
    healthcheck: {test: ["CMD", "true"], interval: 2s, timeout: 1s, retries: 4, start_period: 3s}
networks:
  back: {ipam: {config: [{subnet: 10.9.8.0/24}]}}
  front: {external: true, name: the-front}
volumes:
  data:
  outside: {external: true}
configs:
  conf: {file: ./conf}
  other: {file: ./conf}
secrets:
  password: {file: ./password}
`

func TestEveryMappedKeyReachesTheEngine(t *testing.T) {
	s := newSite(t, nil, everything)
	s.write("conf", "content")
	s.write("password", "secret")
	s.golden("everything.json", indented(t, s.mapped(1)))
}

// unmappedKeys are the keys of a service that no table names. A key that a newer compose-go brings appears here, and
// a person decides whether to map it.
var unmappedKeys []string

func TestEveryKeyOfComposeIsEitherMappedOrRefused(t *testing.T) {
	known := serviceTable.index()
	var missing []string
	var visit func(reflect.Type)
	visit = func(structure reflect.Type) {
		for i := range structure.NumField() {
			f := structure.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case f.Name == "Extensions" || name == "-":
			case name == "" && strings.Contains(options, "inline"):
				visit(f.Type)
			case known[name].name == "" && name != "deploy":
				missing = append(missing, name)
			}
		}
	}
	visit(reflect.TypeFor[types.ServiceConfig]())
	slices.Sort(missing)
	if !slices.Equal(missing, unmappedKeys) {
		t.Errorf("refused are\n%q\nexpected\n%q", missing, unmappedKeys)
	}
}

func TestResourcesOfDeployCount(t *testing.T) {
	s := newSite(t, nil, `services: {web: {image: x, deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 10m, pids: 7}}, restart_policy: {condition: on-failure, max_attempts: 2}}}}`)
	b := s.mapped(2)
	h := b.Host
	if h.NanoCPUs != 500_000_000 || h.Memory != 10<<20 || *h.PidsLimit != 7 {
		t.Errorf("limits are %+v", h.Resources)
	}
	if h.RestartPolicy.Name != "on-failure" || h.RestartPolicy.MaximumRetryCount != 2 {
		t.Errorf("restart policy is %+v", h.RestartPolicy)
	}
	if want := s.settings.App + "-blue-web-2"; b.Name != want {
		t.Errorf("name is %s, want %s", b.Name, want)
	}
}

func TestAGraceIsCountedInWholeSeconds(t *testing.T) {
	s := newSite(t, nil, `services: {web: {image: x, stop_grace_period: 2500ms}}`)
	b := s.mapped(1)
	if got := time.Duration(*b.Config.StopTimeout) * time.Second; got != 2*time.Second {
		t.Errorf("grace is %s", got)
	}
}
