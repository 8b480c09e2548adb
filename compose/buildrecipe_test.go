package compose

import (
	"path/filepath"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// everyBuildKey is a service with all keys of build that are mapped.
const everyBuildKey = `
services:
  base: {build: {context: app}}
  web:
    image: "named:${IMAGE_TAG}"
    build:
      context: app
      dockerfile: docker/Dockerfile
      target: final
      args: {GREETING: hello, FROM_ENV: , UNSET: }
      labels: {my.label: here}
      no_cache_filter: [final, tests]
      pull: false
      network: host
      extra_hosts: {db: [10.1.2.3], six: ["::1"]}
      shm_size: 32m
      ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 99}
      tags: ["also:this"]
      platforms: [linux/amd64]
      cache_from: ["named:latest", "type=registry,ref=named:cache"]
      cache_to: [type=inline]
      additional_contexts:
        files: ./more
        image: docker-image://named:1
        other: service:base
        repository: https://example.org/more.git#main:sub
      entitlements: [security.insecure]
      privileged: true
      isolation: default
      provenance: "false"
      sbom: "false"
`

func everyBuild(t *testing.T) (*site, recipe) {
	t.Helper()
	s := newSite(t, nil, everyBuildKey)
	s.write(".env", "FROM_ENV=world\n")
	s.write("app/Dockerfile", "FROM scratch")
	s.write("app/docker/Dockerfile", "FROM scratch")
	s.write("more/file", "")
	p := s.accepted()
	job, err := p.recipe(p.Services["web"], false)
	if err != nil {
		t.Fatal(err)
	}
	return s, job
}

func TestEveryKeyOfBuildReachesBuildKit(t *testing.T) {
	s, job := everyBuild(t)
	request := solveRequest(job, filepath.Base(job.dockerfile), []string{"db=10.1.2.3"})
	s.golden("build-buildkit.json", indented(t, request))
}

func TestWhatABuildCannotDoIsRefusedByNameAndPlace(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	for keys, want := range map[string]string{
		"platforms: [linux/amd64, linux/arm64]":                 "build.platforms: an image for several platforms cannot be kept by an engine",
		"isolation: hyperv":                                     "build.isolation: it is about Windows",
		"network: backend":                                      `build.network: there is no "backend" for a build`,
		"cache_to: ['type=local,dest=x']":                       "build.cache_to: only type=inline",
		"cache_from: ['type=gha']":                              "build.cache_from: only images",
		"cache_from: ['type=registry']":                         "build.cache_from: only images",
		"provenance: mode=max":                                  "build.provenance: the builder inside of the engine writes no attestations",
		"sbom: true":                                            "build.sbom: the builder",
		"ssh: [default]":                                        "build.ssh: no ssh agent runs: SSH_AUTH_SOCK is not set",
		"ssh: [deploy=nowhere/key]":                             "build.ssh: key deploy: there is no file",
		"dockerfile: nowhere":                                   "read Dockerfile",
		"additional_contexts: {x: 'service:web'}":               "the builds of web and web need each other",
		"additional_contexts: {x: ./none}":                      "none is not a directory",
		"additional_contexts: {x: 'oci-layout://y'}":            "x: oci-layout:// is not known",
		"pull: true, additional_contexts: {x: 'service:other'}": "with build.pull the image of other would be looked for in a registry",
	} {
		s := newSite(t, nil, `
services:
  web:
    build: {context: ., `+keys+`}
  other:
    build: {context: ., additional_contexts: {a: 'service:third'}}
  third:
    build: {context: .}
`)
		s.write("Dockerfile", "FROM scratch")
		p, err := s.load(deploy.Blue)
		if err != nil {
			t.Errorf("%s: %v", keys, err)
			continue
		}
		err = s.check(p)
		testkit.ErrorContains(t, err, want, "blue.yml:4")
	}
}

func TestBuildsThatNeedEachOtherAreRefused(t *testing.T) {
	s := newSite(t, nil, `
services:
  one: {build: {context: ., dockerfile_inline: FROM x, additional_contexts: {x: "service:two"}}}
  two: {build: {context: ., dockerfile_inline: FROM x, additional_contexts: {x: "service:three"}}}
  three: {build: {context: ., dockerfile_inline: FROM x, additional_contexts: {x: "service:one"}}}
`)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	testkit.ErrorContains(t, p.checkBuilds(), "service one: build.additional_contexts: x: the builds of one and two need each other (blue.yml:3)")
}

func TestBuildSecretsComeFromFilesAndVariables(t *testing.T) {
	s := newSite(t, nil, `
services:
  web:
    build: {context: ., dockerfile_inline: FROM scratch, secrets: [one, {source: two, target: zwei}, three]}
secrets:
  one: {file: ./one}
  two: {environment: TWO}
  three: {environment: THREE}
`)
	s.write("one", "1")
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.recipe(p.Services["web"], false)
	testkit.ErrorContains(t, err, "TWO", "not set")
	s.write(".env", "TWO=2\nTHREE=3\n")
	if p, err = s.load(deploy.Blue); err != nil {
		t.Fatal(err)
	}
	job, err := p.recipe(p.Services["web"], false)
	if err != nil || string(job.secrets["one"]) != "1" || string(job.secrets["zwei"]) != "2" || string(job.secrets["three"]) != "3" {
		t.Errorf("secrets are %q, %v", job.secrets, err)
	}
	s.write("ca.pem", "no certificate")
	p.caBundle = filepath.Join(s.dir, "ca.pem")
	_, err = p.recipe(p.Services["web"], false)
	testkit.ErrorContains(t, err, "build.ca_bundle", "no certificate in PEM")
}

func TestTheAppsOwnImageIsTheWebServicesOrTheOnlyOneThatIsBuilt(t *testing.T) {
	for file, want := range map[string]string{
		"services: {web: {build: .}, worker: {build: .}}":                              "web",
		"services: {web: {image: x}, worker: {build: .}}":                              "worker",
		"services: {web: {image: x}, worker: {build: .}, other: {build: .}}":           "",
		"services: {web: {image: x}, worker: {image: x}}":                              "",
		"services: {web: {image: x}, worker: {build: .}, other: {image: x, scale: 0}}": "worker",
	} {
		s := newSite(t, nil, file)
		p, err := s.load(deploy.Blue)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.main(); got != want {
			t.Errorf("%s: it is that of %q, want %q", file, got, want)
		}
	}
}
