package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// project is a compose project as it was loaded, and whose it is.
type project struct {
	*types.Project
	app        string
	dir        string        // of verdigris.yml
	slice      deploy.Slice  // empty for the shared project
	commit     deploy.Commit // empty for the shared project
	deployment int64         // that brings the release; 0 for none
	web        string        // the service that answers requests; empty for the shared project
	router     string        // the shared service that runs the router; empty for a slice
	// routes are the route networks, as Settings.routeNetworks has them.
	routes map[string]deploy.Slice
	files  []string // absolute
	// sources are what was read of files, and what they name.
	sources sources
	// caBundle is offered to builds; see Settings.
	caBundle string
	// injected are the variables that verdigris adds to every container.
	injected map[string]string
	// proxies are the variables that the Docker config file has for every container.
	proxies map[string]*string
	api     string // the version of the Docker API that the engine speaks
	// unset are the variables that the files use without a default and nothing sets.
	unset []string
}

// loadSlice reads the slice's compose files from the release's checkout.
func (r *Runtime) loadSlice(ctx context.Context, slice deploy.Slice, rel deploy.Release) (*project, error) {
	names := r.settings.SliceFiles[slice]
	if len(names) == 0 {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("app %s has no compose file for slice %s", r.settings.App, slice),
			Next: fmt.Sprintf("name one in verdigris.yml: compose.slices.%s", slice),
		}
	}
	p := &project{
		app: r.settings.App, dir: r.settings.Dir, slice: slice, commit: rel.Commit, deployment: rel.Deployment, web: r.settings.Web, api: r.engine.api(),
		files: under(rel.Dir, names), caBundle: r.settings.CABundle, routes: r.settings.routeNetworks(),
		injected: map[string]string{
			"VERDIGRIS_SLICE":   string(slice),
			"VERDIGRIS_RELEASE": string(rel.Commit),
			"IMAGE_TAG":         string(rel.Commit),
		},
	}
	if i := absent(p.files); i >= 0 {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("%s is not in the repository at commit %s", names[i], rel.Commit.Short()),
			Next: fmt.Sprintf("commit it and deploy that commit, or name the right file in verdigris.yml: compose.slices.%s", slice),
		}
	}
	return p, r.load(ctx, p, r.settings.Project(slice), rel.Dir)
}

// loadShared reads the compose files of the shared services.
func (r *Runtime) loadShared(ctx context.Context) (*project, error) {
	if len(r.settings.SharedFiles) == 0 {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("app %s has no shared compose file", r.settings.App),
			Next: "name one in verdigris.yml: compose.shared",
		}
	}
	p := &project{
		app: r.settings.App, dir: r.settings.Dir, api: r.engine.api(), router: r.settings.Router,
		files: under(r.settings.Dir, r.settings.SharedFiles), caBundle: r.settings.CABundle, routes: r.settings.routeNetworks(),
	}
	if i := absent(p.files); i >= 0 {
		return nil, &deploy.HintedError{
			Err:  fmt.Errorf("the shared compose file %s does not exist", p.files[i]),
			Next: "put it there, or name the right one in verdigris.yml: compose.shared",
		}
	}
	return p, r.load(ctx, p, r.settings.SharedProject(), r.settings.Dir)
}

// absent returns the index of the first file that does not exist, -1 when all do.
func absent(files []string) int {
	return slices.IndexFunc(files, func(file string) bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
}

// load fills p from its files: interpolation, merge, extends, profiles and relative paths as Compose does them. Paths are
// relative to the first file's directory; dir has the .env.
func (r *Runtime) load(ctx context.Context, p *project, name, dir string) error {
	env, err := r.variables(dir, p.injected)
	if err != nil {
		return err
	}
	if p.proxies, err = r.engine.proxies(); err != nil {
		return err
	}
	p.sources.base = filepath.Dir(p.files[0])
	for _, file := range p.files {
		if err := p.sources.add(file); err != nil {
			return err
		}
	}
	details := types.ConfigDetails{WorkingDir: p.sources.base, ConfigFiles: types.ToConfigFiles(p.files), Environment: env}
	unset := map[string]bool{}
	p.Project, err = parse(ctx, details, func(o *loader.Options) {
		o.SetProjectName(name, true)
		o.Profiles = r.profiles(env)
		o.Interpolate.Substitute = noting(unset)
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.ResourceLoaders = []loader.ResourceLoader{&watcher{sources: &p.sources}}
	})
	if err == nil {
		err = p.readEnvFiles()
	}
	if err != nil {
		return p.sources.locate(err)
	}
	p.Project = p.WithoutUnresolvedOptionalDependencies()
	p.unset = slices.Sorted(maps.Keys(unset))
	return nil
}

// profiles are those of the configuration or, without them, those that COMPOSE_PROFILES names, as for Compose (Compose
// specification, Profiles; pre-defined environment variables of Docker Compose).
func (r *Runtime) profiles(env types.Mapping) []string {
	if len(r.settings.Profiles) > 0 {
		return r.settings.Profiles
	}
	return words(strings.Split(env["COMPOSE_PROFILES"], ",")...)
}

// parse is compose-go's load. A file that makes it panic is an error like any other that it cannot read.
func parse(ctx context.Context, details types.ConfigDetails, options func(*loader.Options)) (loaded *types.Project, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the parser of compose files failed: %v", cause)
		}
	}()
	return loader.LoadWithContext(ctx, details, options)
}

// variables returns what interpolation sees: the env files of the configuration, what the project's own .env adds to
// them, and over both the injected ones.
func (r *Runtime) variables(dir string, injected map[string]string) (types.Mapping, error) {
	env := types.Mapping{}
	for _, group := range [][]string{{filepath.Join(dir, ".env")}, under(r.settings.Dir, r.settings.EnvFiles)} {
		present, err := existing(group)
		if err != nil {
			return nil, err
		}
		values, err := dotenv.GetEnvFromFile(injected, present)
		if err != nil {
			return nil, fmt.Errorf("read env file: %w", err)
		}
		maps.Copy(env, values)
	}
	maps.Copy(env, injected)
	return env, nil
}

// existing leaves out a .env that is not there, as Compose does; any other missing file is an error.
func existing(files []string) ([]string, error) {
	var present []string
	for _, f := range files {
		_, err := os.Stat(f)
		switch {
		case err == nil:
			present = append(present, f)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read env file: %w", err)
		case filepath.Base(f) != ".env":
			return nil, &deploy.HintedError{
				Err:  fmt.Errorf("env file %s does not exist", f),
				Next: "create it, or take it out of compose.env_files in verdigris.yml",
			}
		}
	}
	return present, nil
}
