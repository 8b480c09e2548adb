package compose

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"verdigris/deploy"
)

// The labels by which Docker Compose finds what belongs to a project. Compose 1.29 fails without the version and
// the number, and Compose 5 hides containers without the hash.
const (
	labelProject     = "com.docker.compose.project"
	labelService     = "com.docker.compose.service"
	labelNumber      = "com.docker.compose.container-number"
	labelOneOff      = "com.docker.compose.oneoff"
	labelVersion     = "com.docker.compose.version"
	labelHash        = "com.docker.compose.config-hash"
	labelImage       = "com.docker.compose.image"
	labelDependsOn   = "com.docker.compose.depends_on"
	labelWorkingDir  = "com.docker.compose.project.working_dir"
	labelConfigFiles = "com.docker.compose.project.config_files"
	labelNetwork     = "com.docker.compose.network"
	labelVolume      = "com.docker.compose.volume"
)

// The labels of verdigris itself.
const (
	labelApp     = "verdigris.app"
	labelSlice   = "verdigris.slice"
	labelRelease = "verdigris.release"
	// labelDeployment is the deployment that made a container, for its start to be undone.
	labelDeployment = "verdigris.deployment"
	labelDir        = "verdigris.dir"    // of verdigris.yml
	labelConfig     = "verdigris.config" // a hash of what was asked of the engine; it decides about recreation
	labelHooks      = "verdigris.hooks"  // what runs in the container after its start and before its stop, as JSON
	labelShares     = "verdigris.shares" // with which containers it shares something, as service=id
)

// composeVersion is the version of Compose whose behaviour is followed; Compose 1.29 wants one of at least 1.21.
const composeVersion = "5.6.0"

// label marks the blueprint as container number of the service, made from that image. It comes last: the hash covers
// all that was mapped before.
func (p *project) label(b *blueprint, s types.ServiceConfig, number int, imageID string) {
	config := b.hash(s.Build != nil || s.Name == p.web)
	maps.Copy(b.Config.Labels, map[string]string{
		labelProject:     p.Name,
		labelService:     s.Name,
		labelNumber:      strconv.Itoa(number),
		labelOneOff:      "False",
		labelVersion:     composeVersion,
		labelHash:        serviceHash(s),
		labelConfig:      config,
		labelImage:       imageID,
		labelDependsOn:   dependsOn(s),
		labelWorkingDir:  p.WorkingDir,
		labelConfigFiles: strings.Join(p.files, ","),
	})
	maps.Copy(b.Config.Labels, p.ownLabels())
}

func (p *project) ownLabels() map[string]string {
	own := map[string]string{labelApp: p.app, labelDir: p.dir}
	if p.slice != "" {
		own[labelSlice] = string(p.slice)
	}
	if p.commit != "" {
		own[labelRelease] = string(p.commit)
	}
	if p.deployment != 0 {
		own[labelDeployment] = strconv.FormatInt(p.deployment, 10)
	}
	return own
}

// resourceLabels are those of a network or volume; key is labelNetwork or labelVolume.
func (p *project) resourceLabels(key, name string, user types.Labels) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, user)
	maps.Copy(labels, map[string]string{labelProject: p.Name, key: name, labelVersion: composeVersion, labelApp: p.app})
	if p.slice != "" {
		labels[labelSlice] = string(p.slice)
	}
	return labels
}

// dependsOn writes the dependencies as Compose does: service:condition:restart, separated by commas.
func dependsOn(s types.ServiceConfig) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		list = append(list, fmt.Sprintf("%s:%s:%t", name, s.DependsOn[name].Condition, s.DependsOn[name].Restart))
	}
	return strings.Join(list, ",")
}

// hash sums up the container's configuration. Which release a container belongs to is a part of it only for the web
// service and where the release built its image: a database beside them is not recreated because of a new commit.
func (b *blueprint) hash(ofRelease bool) string {
	c := *b.Config
	c.Image = ""
	c.Env = b.project.withoutProxies(c.Env)
	if !ofRelease {
		c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(variable string) bool {
			name, value, _ := strings.Cut(variable, "=")
			injected, ok := b.project.injected[name]
			return ok && value == injected
		})
	}
	return digest(blueprint{Config: &c, Host: b.Host, Networks: b.Networks, Platform: b.Platform, Digests: b.Digests, PreStart: b.PreStart})
}

// ownedBy selects what belongs to a project.
func ownedBy(project string) string { return labelProject + "=" + project }

// commitOf reads the release that a container carries.
func commitOf(labels map[string]string) deploy.Commit { return deploy.Commit(labels[labelRelease]) }
