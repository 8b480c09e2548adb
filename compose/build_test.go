package compose

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

const building = `
services:
  web:
    build:
      context: app
      target: final
      args: {GREETING: hello, FROM_ENV: }
      labels: {my.label: here}
    image: "${NAME}:extra"
    init: true
    command: [sleep, "60"]
`

var dockerfile = `FROM ` + debian + ` AS base
ARG GREETING
ARG FROM_ENV
COPY . /app
RUN echo "$GREETING $FROM_ENV" > /greeting && echo "built $GREETING" && ls -A /app > /listing
FROM base AS final
FROM base AS wrong
RUN exit 1
`

func buildSite(t *testing.T, e *Engine, dockerfile string) *site {
	s := newSite(t, e, building)
	s.write(".env", "NAME="+s.settings.App+"-named\nFROM_ENV=world\n")
	own := " AS base\nENV SITE=" + s.settings.App + "\n" // no build before has cached its steps
	s.write("app/Dockerfile", strings.Replace(dockerfile, " AS base\n", own, 1))
	s.write("app/.dockerignore", "secret*\n!secret-but-fine\n")
	s.write("app/kept", "")
	s.write("app/secret-key", "")
	s.write("app/secret-but-fine", "")
	return s
}

func TestABuildTakesArgumentsTargetLabelsAndDockerignore(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := buildSite(t, e, dockerfile)
	rel, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	said := s.said()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if !strings.Contains(said, "built hello") {
		t.Errorf("the output is\n%s", said)
	}
	app := s.settings.App
	for _, tag := range []string{app + "-web:" + string(commitA), app + "-web:" + string(commitA) + "-blue", app + ":" + string(commitA), app + "-named:extra"} {
		if id, err := e.imageID(t.Context(), tag); err != nil || id != rel.Images["web"] {
			t.Errorf("%s is %q (%v), want %q", tag, id, err, rel.Images["web"])
		}
	}
	i, err := e.client.ImageInspect(t.Context(), rel.Images["web"])
	if err != nil || i.Config.Labels["my.label"] != "here" || i.Config.Labels[labelApp] != app {
		t.Errorf("labels are %v, %v", i.Config.Labels, err)
	}
	if err := s.Start(t.Context(), deploy.Blue, rel, s.log); err != nil {
		t.Fatal(err)
	}
	web := &Container{engine: e, project: s.settings.Project(deploy.Blue), service: "web"}
	out, err := web.Exec(t.Context(), "cat", "/greeting", "/listing")
	if err != nil || !strings.HasPrefix(out, "hello world") || !strings.Contains(out, "kept") || !strings.Contains(out, "secret-but-fine") {
		t.Errorf("in the image: %q, %v", out, err)
	}
	if strings.Contains(out, "secret-key") {
		t.Error("an ignored file is in the image")
	}

	again, err := s.Build(t.Context(), deploy.Blue, s.release(commitB), false, s.log)
	if err != nil || again.Images["web"] != rel.Images["web"] {
		t.Errorf("the same content built again is %v (%v), was %v", again.Images, err, rel.Images)
	}
	if said := s.said(); strings.Contains(said, "| built hello") {
		t.Errorf("the cache was not used:\n%s", said)
	}
	fresh, err := s.Build(t.Context(), deploy.Blue, s.release(commitB), true, s.log)
	if said := s.said(); err != nil || !strings.Contains(said, "| built hello") || fresh.Images["web"] == rel.Images["web"] {
		t.Errorf("a fresh build used the cache (%v):\n%s", err, said)
	}
}

func TestAFailingDockerfileShowsItsLastLines(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := buildSite(t, e, "FROM "+debian+" AS final\nRUN echo about to fail && exit 42\n")
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "service web: build image", "42")
	var logged *deploy.LoggedError
	if !errors.As(err, &logged) || !strings.Contains(strings.Join(logged.Lines, "\n"), "about to fail") {
		t.Errorf("error is %#v", err)
	}
	if id, _ := e.imageID(t.Context(), s.settings.App+"-web:"+string(commitA)); id != "" {
		t.Error("a failed build left an image")
	}
}

func TestADockerfileWithASyntaxErrorIsRefused(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := buildSite(t, e, "FRUM "+debian+"\n")
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "FRUM")
}

func TestACancelledBuildStops(t *testing.T) {
	t.Parallel()
	e := connected(t)
	nap := strconv.Itoa(100_000_000 + rand.IntN(100_000_000)) // tells this sleep from all others
	s := buildSite(t, e, "FROM "+debian+" AS final\nRUN echo working && sleep "+nap+"\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	working, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Build(ctx, deploy.Blue, s.release(commitA), true, func(line string, _ ...deploy.Step) {
			if strings.HasSuffix(line, "| working") {
				close(working)
			}
		})
		done <- err
	}()
	select {
	case <-working:
	case err := <-done:
		t.Fatalf("the build ended: %v", err)
	}
	testkit.Eventually(t, "the build's process", func() bool { return processes(nap) > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	testkit.Eventually(t, "the end of the build's process", func() bool { return processes(nap) == 0 })
}

// processes counts the processes of this machine that are `sleep nap`.
func processes(nap string) int {
	n := 0
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, _ := os.ReadFile(path) // a process that went away has none
		if string(line) == "sleep\x00"+nap+"\x00" {
			n++
		}
	}
	return n
}

func TestAFullDiskIsRecognised(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := buildSite(t, e, "FROM "+debian+" AS final\nRUN echo 'write /x: no space left on device' && exit 1\n")
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "the disk of the Docker Engine is full")
	var hint *deploy.HintedError
	if !errors.As(err, &hint) || !strings.Contains(hint.Next, "docker builder prune") {
		t.Errorf("the hint is missing: %#v", err)
	}
}

func TestBuildKitMountsCachesAndSecrets(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    build:
      context: .
      secrets: [ca]
      dockerfile_inline: |
        FROM `+debian+`
        RUN --mount=type=secret,id=ca --mount=type=cache,target=/cache cat /run/secrets/ca > /seen
secrets: {ca: {file: ./ca.pem}}
`)
	s.write("ca.pem", "certificate")
	s.mustBuild()
}

func TestAnImageThatCannotBePulledIsNamed(t *testing.T) {
	t.Parallel()
	e := patient(t)
	s := newSite(t, e, "services: {web: {image: 'localhost:1/none/such:1'}}")
	_, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "service web", "image localhost:1/none/such:1 is not on this machine and cannot be pulled")
	testkit.ErrorContains(t, s.Start(t.Context(), deploy.Blue, s.release(commitA), s.log), "localhost:1/none/such:1 is not on this machine")
	s.write("blue.yml", "services: {web: {image: 'localhost:1/none/such:1', pull_policy: never}}")
	_, err = s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log)
	testkit.ErrorContains(t, err, "pull_policy is never")
}

func TestPruneTakesOldReleasesAndLeavesWhatIsUsed(t *testing.T) {
	t.Parallel()
	e := connected(t)
	commits := []deploy.Commit{commitA, commitB, deploy.Commit(strings.Repeat("c", 40))}
	s := buildSite(t, e, "FROM "+debian+" AS final\nCOPY kept /\n")
	for i, c := range commits {
		s.write("app/kept", strings.Repeat("x", i+1))
		if i == 0 {
			s.up(c)
			continue
		}
		if _, err := s.Build(t.Context(), deploy.Blue, s.release(c), false, s.log); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Prune(t.Context(), []deploy.Commit{commits[2]})
	if err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	for i, want := range []bool{true, false, true} {
		for _, name := range []string{"-web:", ":"} {
			id, err := e.imageID(t.Context(), s.settings.App+name+string(commits[i]))
			if err != nil || (id != "") != want {
				t.Errorf("image %s of release %d is %q (%v), want it there: %v", name, i, id, err, want)
			}
		}
	}
}

func TestPruneTakesTheNamesOfOldReleasesFromAnImageThatIsStillUsed(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `
services:
  web:
    image: ${APP}-named:${IMAGE_TAG}
    build: {context: ., dockerfile_inline: "FROM `+debian+`"}
    command: [sleep, infinity]
    init: true
`)
	s.write(".env", "APP="+s.settings.App+"\n")
	if _, err := s.Build(t.Context(), deploy.Blue, s.release(commitA), false, s.log); err != nil {
		t.Fatal(err)
	}
	s.up(commitB) // the same image, as nothing has changed
	if n, err := s.Prune(t.Context(), nil); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	for name, want := range map[string]bool{"-web:" + string(commitA): false, "-named:" + string(commitA): false,
		"-web:" + string(commitB) + "-blue": true, "-named:" + string(commitB): true} {
		id, err := e.imageID(t.Context(), s.settings.App+name)
		if err != nil || (id != "") != want {
			t.Errorf("%s is %q (%v), want it there: %v", name, id, err, want)
		}
	}
}

func TestASharedServiceIsBuiltOnceUnlessItsPolicyIsToBuild(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, "")
	build := func(policy string) (said string) {
		s.write("shared.yml", `services: {db: {image: "`+s.settings.App+`-named:1", `+policy+` build: {context: ., dockerfile_inline: "FROM `+debian+`\nRUN true"}}}`)
		p, err := s.loadShared(t.Context())
		if err == nil {
			_, _, err = s.provide(t.Context(), p, buildMissing, s.log)
		}
		said = s.said()
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return said
	}
	first, second, third := build(""), build(""), build("pull_policy: build,")
	if !strings.Contains(first, "it cannot be pulled and is built") || second != "" || third == "" || strings.Contains(third, "pull") {
		t.Errorf("the builds said\n%s\n--\n%s\n--\n%s", first, second, third)
	}
	if id, err := e.imageID(t.Context(), s.settings.App+"-named:1"); err != nil || id == "" {
		t.Errorf("the image has not the name that the file gives it: %v", err)
	}
}
