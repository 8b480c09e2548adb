package oracle

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"

	"verdigris/compose"
	"verdigris/deploy"
)

// patience bounds one `up` of either side.
const patience = 90 * time.Second

// trial is one project of the corpus, in a directory of its own, under one name with both sides.
type trial struct {
	t       testing.TB
	sample  sample
	app     string
	dir     string
	slice   deploy.Slice // empty for the shared project
	project string
	runtime *compose.Runtime
}

// commit is what the slices release.
const commit = deploy.Commit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")

// newTrial copies the project and makes the networks and volumes that are to be there beforehand. All that either
// side leaves behind is gone after the test.
func newTrial(t testing.TB, s sample, slice deploy.Slice) *trial {
	t.Helper()
	tr := &trial{t: t, sample: s, app: "vo" + strings.ToLower(rand.Text()[:8]), dir: t.TempDir(), slice: slice}
	s.copyTo(t, tr.dir, tr.app)
	settings := compose.Settings{App: tr.app, Dir: tr.dir, Profiles: s.notes.Profiles, Web: s.notes.Web, Router: s.notes.Router}
	if slice == "" {
		tr.project, settings.SharedFiles = settings.SharedProject(), s.files
	} else {
		tr.project, settings.SliceFiles = settings.Project(slice), map[deploy.Slice][]string{slice: s.files}
	}
	tr.runtime = compose.New(ours, settings)
	tr.runtime.HealthTimeout = patience
	t.Cleanup(func() {
		tr.remove()
		tr.removeOutside()
	})
	tr.createOutside()
	return tr
}

// upTheirs brings the project up as `docker compose up -d` does.
func (tr *trial) upTheirs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	files := make([]string, len(tr.sample.files))
	for i, name := range tr.sample.files {
		files[i] = filepath.Join(tr.dir, name)
	}
	project, err := theirs.LoadProject(ctx, api.ProjectLoadOptions{
		ProjectName: tr.project, ConfigPaths: files, WorkingDir: tr.dir, Profiles: tr.sample.notes.Profiles, Offline: true,
		ProjectOptionsFns: []cli.ProjectOptionsFn{cli.WithoutEnvironmentResolution},
	})
	if err != nil {
		return err
	}
	// The command forgets the env files once it has read them.
	if project, err = project.WithServicesEnvironmentResolved(true); err != nil {
		return err
	}
	build := &api.BuildOptions{}
	if err := build.Apply(project); err != nil {
		return err
	}
	return theirs.Up(ctx, project, api.UpOptions{
		Create: api.CreateOptions{Build: build, Recreate: api.RecreateDiverged, RecreateDependencies: api.RecreateDiverged, Inherit: true},
		Start:  api.StartOptions{Project: project},
	})
}

// upOurs brings the project up with package compose, a slice as one that goes live.
func (tr *trial) upOurs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	log := func(string, ...deploy.Step) {}
	if tr.slice == "" {
		return errors.Join(tr.attach(ctx), tr.runtime.UpShared(ctx, log), tr.attach(ctx))
	}
	rel, err := tr.runtime.Build(ctx, tr.slice, deploy.Release{App: tr.app, Commit: commit, Dir: tr.dir}, false, log)
	if err != nil {
		return err
	}
	if err := tr.runtime.Start(ctx, tr.slice, rel, log); err != nil {
		return err
	}
	if err := tr.attach(ctx); err != nil {
		return err
	}
	_, err = tr.runtime.StartWorkers(ctx, tr.slice, log)
	return err
}

// attach joins the router and the web containers of a project that has such.
func (tr *trial) attach(ctx context.Context) error {
	if tr.sample.notes.Web == "" && tr.sample.notes.Router == "" {
		return nil
	}
	return tr.runtime.Attach(ctx, func(string, ...deploy.Step) {})
}

// differences brings the project up with both and compares what there is then.
func (tr *trial) differences() ([]difference, error) {
	defer tr.remove()
	want, err := tr.look(tr.upTheirs)
	tr.remove()
	if tolerable := tr.sample.notes.MayFail; err != nil && tolerable != "" && strings.Contains(err.Error(), tolerable) {
		return nil, tr.failsWith(tr.upOurs, tolerable)
	}
	if err != nil {
		return nil, fmt.Errorf("the SDK: %w", err)
	}
	have, err := tr.look(tr.upOurs)
	if err != nil {
		return nil, fmt.Errorf("verdigris: %w", err)
	}
	if tr.sample.notes.Rebuilds || tr.sample.notes.Builds && tr.slice != "" {
		return compare(want, have), nil // the release's image goes by its commit, and the SDK builds another
	}
	return compare(want, have), tr.staysUnderTheirs()
}

// staysUnderTheirs returns an error when `docker compose up` recreates what was started here.
func (tr *trial) staysUnderTheirs() error {
	before, err := list(tr.t.Context(), tr.project)
	if err != nil {
		return err
	}
	if err := tr.upTheirs(tr.t.Context()); err != nil {
		return fmt.Errorf("the SDK over what verdigris has started: %w", err)
	}
	after, err := list(tr.t.Context(), tr.project)
	if err != nil {
		return err
	}
	if gone := before.without(after); len(gone) > 0 {
		return fmt.Errorf("the SDK recreates what verdigris has started: %s", strings.Join(gone, ", "))
	}
	return nil
}

// failsWith returns nil when up ends with an error that has the text in it.
func (tr *trial) failsWith(up func(context.Context) error, text string) error {
	defer tr.remove()
	switch err := up(tr.t.Context()); {
	case err == nil:
		return fmt.Errorf("it does not fail, with %q", text)
	case !strings.Contains(err.Error(), text):
		return fmt.Errorf("it fails with another error than %q: %w", text, err)
	}
	return nil
}

// look brings the project up and notes what there is.
func (tr *trial) look(up func(context.Context) error) (snapshot, error) {
	if err := up(tr.t.Context()); err != nil {
		return nil, err
	}
	return take(tr.t.Context(), tr.project, tr.sample.notes.Files)
}

// remove removes all that bears the project's name: containers without waiting for them to stop.
func (tr *trial) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := tr.sweep(ctx); err != nil {
		tr.t.Errorf("remove what project %s left: %v", tr.project, err)
	}
}

func (tr *trial) sweep(ctx context.Context) error {
	there, err := list(ctx, tr.project)
	if err != nil {
		return err
	}
	var errs []error
	// One after the other: older engines lose count of a network's endpoints when several go at the same time.
	for _, c := range there.containers {
		_, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		errs = append(errs, err)
	}
	if tr.slice != "" { // the networks between router and slices belong to the shared project
		shared, err := list(ctx, tr.app+"-shared")
		errs = append(errs, err)
		there.networks = append(there.networks, shared.networks...)
	}
	for _, n := range there.networks {
		_, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, err)
	}
	for _, v := range there.volumes {
		_, err := docker.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{})
		errs = append(errs, err)
	}
	for _, i := range there.images {
		// An image may go with another one.
		if _, err := docker.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}); !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (tr *trial) createOutside() {
	tr.t.Helper()
	for _, name := range tr.sample.notes.Networks {
		if _, err := docker.NetworkCreate(tr.t.Context(), tr.app+"-"+name, client.NetworkCreateOptions{}); err != nil {
			tr.t.Fatal(err)
		}
	}
	for _, name := range tr.sample.notes.Volumes {
		if _, err := docker.VolumeCreate(tr.t.Context(), client.VolumeCreateOptions{Name: tr.app + "-" + name}); err != nil {
			tr.t.Fatal(err)
		}
	}
}

func (tr *trial) removeOutside() {
	for _, name := range tr.sample.notes.Networks {
		if _, err := docker.NetworkRemove(context.Background(), tr.app+"-"+name, client.NetworkRemoveOptions{}); err != nil {
			tr.t.Error(err)
		}
	}
	for _, name := range tr.sample.notes.Volumes {
		if _, err := docker.VolumeRemove(context.Background(), tr.app+"-"+name, client.VolumeRemoveOptions{}); err != nil {
			tr.t.Error(err)
		}
	}
}
