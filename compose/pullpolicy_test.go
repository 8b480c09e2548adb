package compose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

func TestThePullPolicySaysWhetherANewerImageIsFetched(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	for i, c := range []struct {
		policy string
		newer  bool
	}{
		{"always", true}, {"refresh", true}, {"refresh, pull_refresh_after: 0s", true},
		{"refresh, pull_refresh_after: 12h", false}, {"daily", false}, {"weekly", false}, {"every_1w2d3h4m5s", false},
		{"missing", false}, {"if_not_present", false},
	} {
		t.Run(c.policy, func(t *testing.T) {
			name := fmt.Sprintf("app%d:1", i)
			want := r.push(name, 100)
			s := newSite(t, e, "services: {web: {image: '"+r.at+"/"+name+"', pull_policy: "+c.policy+"}}")
			rel, said, err := s.pulled()
			if err != nil || !strings.HasSuffix(rel.Digests["web"], want) {
				t.Fatalf("digests are %v, want %s: %v\n%s", rel.Digests, want, err, said)
			}
			if second := r.push(name, 100); c.newer {
				want = second
			}
			rel, said, err = s.pulled()
			if err != nil || !strings.HasSuffix(rel.Digests["web"], want) || c.newer != strings.Contains(said, "pull ") {
				t.Errorf("digests are %v, want %s: %v\n%s", rel.Digests, want, err, said)
			}
			if _, said, err = s.pulled(); err != nil || c.newer != strings.Contains(said, "up to date") {
				t.Errorf("without a newer image: %v\n%s", err, said)
			}
		})
	}
}

func TestAnImageIsFetchedAgainOnceItsTimeIsUp(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	r.push("app:1", 100)
	s := newSite(t, e, "services: {web: {image: '"+r.at+"/app:1', pull_policy: every_1s}}")
	if _, said, err := s.pulled(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	want := r.at + "/app@" + r.push("app:1", 100)
	testkit.Eventually(t, "the pull of the newer image", func() bool {
		rel, _, err := s.pulled()
		return err == nil && rel.Digests["web"] == want
	})
}

func TestAnImageOfAnUnknownAgeIsFetchedDaily(t *testing.T) {
	t.Parallel()
	e := patient(t)
	r := openRegistry(t, e)
	r.push("app:1", 100)
	body, err := e.client.ImagePull(t.Context(), r.at+"/app:1", dockerimage.PullOptions{}) // as docker pull does
	testkit.Must(r.t, err)
	testkit.Must(r.t, eachMessage(body, func(jsonmessage.JSONMessage) {}))
	i, err := e.inspectImage(t.Context(), r.at+"/app:1")
	testkit.Must(r.t, err)
	isUnknown := i.Metadata.LastTagTime.IsZero() // Engines before 28 do not keep the time of a docker pull
	s := newSite(t, e, "services: {web: {image: '"+r.at+"/app:1', pull_policy: daily}}")
	for _, want := range []bool{isUnknown, false} {
		if _, said, err := s.pulled(); err != nil || strings.Contains(said, "up to date") != want {
			t.Errorf("%v\n%s", err, said)
		}
	}
}

func TestAPolicyWithoutAPullWantsTheImageHere(t *testing.T) {
	t.Parallel()
	e := patient(t)
	for _, policy := range []string{"never", "build"} {
		s := newSite(t, e, "services: {web: {image: 'localhost:1/none/such:1', pull_policy: "+policy+"}}")
		_, _, err := s.pulled()
		testkit.ErrorContains(t, err, "service web: image localhost:1/none/such:1 is not on this machine", "its pull_policy is "+policy)
		s.write("blue.yml", "services: {web: {image: "+debian+", pull_policy: "+policy+"}}")
		if _, said, err := s.pulled(); err != nil || said != "" {
			t.Errorf("with the image here: %v\n%s", err, said)
		}
	}
}

func TestAWrongPullPolicyIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	e := connected(t)
	for text, want := range map[string]string{
		"pull_policy: sometimes":                             "sometimes",
		"pull_policy: every_":                                "every_",
		"pull_policy: every_3y":                              "every_3y",
		"pull_policy: every_99999999999999999999w":           "every_99999999999999999999w",
		"pull_refresh_after: 3h":                             "pull_refresh_after",
		"pull_policy: refresh, pull_refresh_after: tomorrow": "tomorrow",
	} {
		s := newSite(t, e, "services: {web: {image: "+debian+", "+text+"}}")
		testkit.ErrorContains(t, s.Check(t.Context(), deploy.Blue, s.release(commitA)), "web", want, "blue.yml:1")
	}
}

func TestAnImageOfAnotherPlatformCountsAsMissing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	have, err := e.inspectImage(t.Context(), debian)
	if err != nil {
		t.Fatal(err)
	}
	s := types.ServiceConfig{Name: "web"}
	for platform, there := range map[string]bool{"": true, have.Os + "/" + have.Architecture: true, "linux/s390x": false} {
		s.Platform = platform
		fits, err := forPlatform(s, have)
		if err != nil || (fits != nil) != there {
			t.Errorf("platform %q: %v, %v", platform, fits, err)
		}
	}
	s.Platform = "a/b/c/d"
	_, err = forPlatform(s, have)
	testkit.ErrorContains(t, err, "service web: platform")
}

func TestAnImageThatIsMountedIsFetchedWhereItIsMissing(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`", volumes: [{type: image, source: registry.example/files:1, target: /a}, {type: image, source: "`+redis+`", target: /b}]}}`)
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	due, err := e.duePulls(t.Context(), p)
	if err != nil || len(due) != 1 || due[0].title() != "web: pull registry.example/files:1" {
		t.Errorf("due is %v, %v", due, err)
	}
	_, err = s.images(t.Context(), p, nil)
	testkit.ErrorContains(t, err, "service web: volumes: image registry.example/files:1 is not on this machine")
}

func TestThePlatformOfTheEnvFileCountsForWhatIsFetched(t *testing.T) {
	t.Parallel()
	e := connected(t)
	s := newSite(t, e, `services: {web: {image: "`+debian+`"}, own: {image: "`+debian+`", platform: linux/arm64}}`)
	s.write(".env", "DOCKER_DEFAULT_PLATFORM=linux/s390x\n")
	p, err := s.load(deploy.Blue)
	if err != nil {
		t.Fatal(err)
	}
	due, err := e.duePulls(t.Context(), p)
	if err != nil || len(due) != 2 || due[0].platform != "linux/arm64" || due[1].platform != "linux/s390x" {
		t.Errorf("due is %v, %v", due, err)
	}
}
