package compose

import (
	"regexp"
	"testing"
	"time"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// mistakes are files that cannot be loaded, and the place that the error must name.
var mistakes = []struct{ name, file, place, says string }{
	{"a list that does not end", "services:\n  web:\n    image: [\n", "blue.yml:3", "yaml"},
	{"a tab", "services:\n\tweb: {}\n", "blue.yml:2", "cannot start any token"},
	{"a key twice", "services:\n  web:\n    image: x\n    image: y\n", "blue.yml:4", "already defined"},
	{"an alias of nothing", "services:\n  web: *nothing\n", "blue.yml:2", "nothing"},
	{"an alias in itself", "services:\n  web: &web\n    <<: *web\n    image: x\n", "blue.yml:3", "inside of what it stands for"},
	{"a list on top", "- a\n", "blue.yml:1", "must be a mapping"},
	{"an empty file", "", "blue.yml:1", "empty"},
	{"an unknown key", "services:\n  web:\n    image: x\n    imagge: y\n", "blue.yml:4", "imagge"},
	{"an unknown key on top", "services:\n  web: {image: x}\nnonsense: 1\n", "blue.yml:3", "nonsense"},
	{"a wrong type", "services:\n  web:\n    image: x\n    ports: 5\n", "blue.yml:4", "ports"},
	{"a wrong type in a list", "services:\n  web:\n    image: x\n    healthcheck:\n      test:\n        - CMD\n        - 1\n", "blue.yml:7", "test.1"},
	{"a service that is none", "services:\n  web: 1\n", "blue.yml:2", "mapping"},
	{"a service with a number for a name", "services:\n  1: {image: x}\n", "blue.yml:2", "non-string key"},
	{"a word for a number", "services:\n  web:\n    image: x\n    cpus: abc\n", "blue.yml:4", "cpus"},
	{"a size without a unit that is one", "services:\n  web:\n    image: x\n    mem_limit: 1q\n", "blue.yml:4", "mem_limit"},
	{"a duration that is none", "services:\n  web:\n    image: x\n    healthcheck:\n      test: a\n      interval: zz\n", "blue.yml:6", "interval"},
	{"a port that is too large", "services:\n  web:\n    image: x\n    ports:\n      - '99999:1'\n", "blue.yml:5", "99999"},
	{"a variable that does not end", "services:\n  web:\n    image: ${x\n", "blue.yml:3", "interpolation"},
	{"a variable that must be set", "services:\n  web:\n    image: ${x:?say it}\n", "blue.yml:3", "say it"},
	{"a variable of a wrong type", "services:\n  web:\n    image: x\n    privileged: ${P:-abc}\n", "blue.yml:4", "privileged"},
	{"a missing env_file", "services:\n  web:\n    image: x\n    env_file:\n      - .env\n      - nope.env\n", "blue.yml:6", "nope.env"},
	{"an env_file that cannot be read as one", "services:\n  web:\n    image: x\n    env_file: bad.env\n", "blue.yml:4", "bad.env"},
	{"an env_file that is a device", "services:\n  web:\n    image: x\n    env_file: /dev/zero\n", "blue.yml:4", "not a file"},
	{"a missing label_file", "services:\n  web:\n    image: x\n    label_file: nope.labels\n", "blue.yml:4", "nope.labels"},
	{"a missing file to extend", "services:\n  web:\n    image: x\n    extends:\n      file: nope.yml\n      service: a\n", "blue.yml:5", "nope.yml"},
	{"a missing service to extend", "services:\n  web:\n    image: x\n    extends: nope\n", "blue.yml:4", "nope"},
	{"a missing service to extend in a file", "services:\n  web:\n    extends: {file: inc.yml, service: nope}\n", "blue.yml:3", "nope"},
	{"a missing file to include", "include:\n  - nope.yml\nservices:\n  web: {image: x}\n", "blue.yml:2", "nope.yml"},
	{"a file to include from elsewhere", "include:\n  - https://example.org/a.git\nservices:\n  web: {image: x}\n", "blue.yml:2", "not supported"},
	{"a device to include", "include:\n  - /dev/zero\nservices:\n  web: {image: x}\n", "blue.yml:2", "not a file"},
	{"an unknown key in an included file", "include: [inc.yml]\nservices:\n  web: {image: x}\n", "inc.yml:4", "imagge"},
	{"broken YAML in an included file", "include: [broken.yml]\nservices:\n  web: {image: x}\n", "broken.yml:3", "yaml"},
	{"an unknown key in an extended service", "services:\n  web:\n    extends: {file: inc.yml, service: bad}\n", "inc.yml:4", "imagge"},
	{"a cycle of includes", "include: [blue.yml]\nservices:\n  web: {image: x}\n", "blue.yml:1", "cycle"},
	{"a cycle of dependencies", "services:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: x\n    depends_on: [a]\n", "blue.yml:", "a -> b -> a"},
	{"a cycle of extensions", "services:\n  a:\n    extends: b\n  b:\n    extends: a\n", "blue.yml:", "Circular"},
	{"a dependency on nobody", "services:\n  web:\n    image: x\n    depends_on:\n      - nope\n", "blue.yml:5", "nope"},
	{"a link to nobody", "services:\n  web:\n    image: x\n    links:\n      - nope:a\n", "blue.yml:5", "nope"},
	{"the network of nobody", "services:\n  web:\n    image: x\n    network_mode: service:nope\n", "blue.yml:4", "nope"},
	{"a network that is not there", "services:\n  web:\n    image: x\n    networks:\n      nope: {aliases: [a]}\n", "blue.yml:5", "nope"},
	{"a volume that is not there", "services:\n  web:\n    image: x\n    volumes:\n      - ./a:/a\n      - nope:/b\n", "blue.yml:6", "nope"},
	{"a secret that is not there", "services:\n  web:\n    image: x\n    secrets:\n      - source: nope\n", "blue.yml:5", "nope"},
	{"a config that is not there", "services:\n  web:\n    image: x\n    configs: [nope]\n", "blue.yml:4", "nope"},
	{"two networks that exclude each other", "services:\n  web:\n    image: x\n    network_mode: host\n    networks: [a]\nnetworks: {a: }\n", "blue.yml:4", "exclusive"},
	{"a service of nothing", "services:\n  web:\n    command: x\n", "blue.yml:2", "neither an image nor a build"},
	{"two values for one thing", "services:\n  web:\n    image: x\n    cpus: 2\n    deploy: {resources: {limits: {cpus: '1'}}}\n", "blue.yml:2", "distinct values"},
	{"an external volume with a driver", "services:\n  web: {image: x}\nvolumes:\n  a: {external: true, driver: x}\n", "blue.yml:4", "conflicting"},
	{"a secret of nothing", "services:\n  web: {image: x}\nsecrets:\n  a: {}\n", "blue.yml:4", "must be set"},
	{"a refused key", "services:\n  web:\n    image: x\n    umask: 0o77\n", "blue.yml:4", "umask"},
	{"a refused value", "services:\n  web:\n    image: x\n    volumes:\n      - type: npipe\n        source: a\n        target: b\n", "blue.yml:5", "npipe"},
	{"a volume whose name is a drive", "services:\n  web:\n    image: x\n    volumes: ['d:/d']\n", "blue.yml:4", "drive"},
}

func TestAMistakeIsToldWithItsFileAndLine(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			s := newSite(t, nil, m.file)
			s.neighbours()
			testkit.ErrorContains(t, s.understand(), m.place, m.says)
		})
	}
}

// neighbours are files that the tests' compose files name.
func (s *site) neighbours() {
	s.write("inc.yml", "services:\n  bad:\n    image: x\n    imagge: y\n")
	s.write("broken.yml", "services:\n  bad:\n    image: [\n")
	s.write("base.yml", "services:\n  base:\n    image: x\n    restart: always\n")
	s.write("bad.env", "FINE=1\n'\n")
	s.write("good.env", "A=1\n")
	s.write(".env", "A=1\n")
}

// understand loads blue and maps each of its services, without an engine.
func (s *site) understand() error {
	p, err := s.load(deploy.Blue)
	if err != nil {
		return err
	}
	if err := p.refuse(); err != nil {
		return err
	}
	for _, service := range p.Services {
		if _, err := p.blueprint(service, 1); err != nil {
			return err
		}
	}
	return nil
}

// placed is an error that names a file and a line.
var placed = regexp.MustCompile(`\w\.ya?ml:\d+`)

// FuzzLoad wants of every file that it is understood, or refused with a file and a line, and soon.
func FuzzLoad(f *testing.F) {
	for _, m := range mistakes {
		f.Add(m.file)
	}
	for _, m := range mappings {
		f.Add("services: {web: {image: x}, other: " + braced(m.file) + "}\n")
	}
	f.Add(everything)
	f.Add("include: [base.yml]\nservices:\n  web:\n    extends: {file: base.yml, service: base}\n    env_file: good.env\n    environment: {A: \"${A:-${B}}\"}\n")
	f.Add("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\nx: [*d,*d,*d,*d,*d,*d,*d]\n")
	f.Add("services:\n  web:\n    image: x\n    ports: [\"1-65:1-65\"]\n    expose: [\"1-65\"]\n")
	f.Fuzz(func(t *testing.T, file string) {
		s := newSite(t, nil, file)
		s.neighbours()
		begun := time.Now()
		err := s.understand()
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		if err != nil && !placed.MatchString(err.Error()) {
			t.Errorf("error %q names no file and line", err)
		}
	})
}

func braced(service string) string {
	if service[0] == '{' {
		return service
	}
	return "{" + service + "}"
}
