package compose

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// attribute is one key of a compose file and what becomes of it. A key is mapped unless its row says that it is ignored
// or refused. Every key of the Compose specification that is in no table is refused too, so that nothing is ever
// dropped silently.
type attribute struct {
	name string // as it is written below the service, e.g. "deploy.resources.limits"; several share a row, separated by spaces
	// parts are the keys below it that are mapped too, separated by spaces.
	parts string
	// apply is nil for a key that is dealt with elsewhere; the table says where.
	apply func(b *blueprint, s types.ServiceConfig) error
	// since is the first version of the Docker API that knows the key; an older engine is refused. Empty means minimumAPI.
	since string
	// ignored says why a key has no effect here, though it may stand in the file. It is told in a note, unless quiet.
	ignored string
	quiet   bool
	// refused says why a key cannot be honoured.
	refused string
	// values says which values can be honoured, where not all can; apply refuses the others.
	values string
}

// attributes are all the keys of a service that are mapped, by group.
var attributes = slices.Concat(
	loadedAttributes,
	processAttributes,
	limitAttributes,
	securityAttributes,
	deviceAttributes,
	platformAttributes,
	networkAttributes,
	namespaceAttributes,
	mountAttributes,
	fileAttributes,
	healthAttributes,
	hookAttributes,
	otherAttributes,
)

// otherAttributes have no effect on a deployment, or cannot have one.
var otherAttributes = []attribute{
	{name: "attach", ignored: "it is about the terminal of docker compose up", quiet: true},
	{name: "develop", ignored: "it is for docker compose watch", quiet: true},
	{name: "deploy.labels deploy.update_config deploy.rollback_config deploy.placement deploy.endpoint_mode", ignored: "it is about a swarm, and Compose ignores it too"},
	{name: "models", refused: "verdigris runs no model runner"},
	{name: "provider", refused: "what a provider runs is outside of the Docker Engine"},
	{name: "use_api_socket", refused: "it would copy the registry credentials of this machine into the container; mount /var/run/docker.sock where a container needs the engine"},
	{name: "dockerfile net log_driver log_opt volume_driver", refused: "it was dropped from the Compose specification"},
}

// loadedAttributes never reach a container: compose-go resolves them while it loads, or another file reads them.
var loadedAttributes = []attribute{
	{name: "name profiles label_file"}, // compose-go
	{name: "env_file", parts: "path required format"},
	{name: "extends", parts: "file service"},
	{name: "image pull_policy pull_refresh_after", apply: checkPullPolicy}, // pullpolicy.go
	{name: "build", parts: "context dockerfile dockerfile_inline args target labels no_cache no_cache_filter network pull extra_hosts shm_size ulimits ulimits.single ulimits.soft ulimits.hard cache_from cache_to tags platforms secrets secrets.source secrets.target ssh ssh.id ssh.path additional_contexts entitlements privileged isolation provenance sbom"}, // buildrecipe.go
	{name: "build.secrets.uid build.secrets.gid build.secrets.mode", ignored: "the Dockerfile says who may read a build secret, and Compose ignores it too"},
	{name: "depends_on", parts: "condition restart required"}, // plan.go
	{name: "scale container_name deploy.replicas"},            // plan.go
	{name: "deploy.mode", apply: checkMode, values: "`replicated` and `global`; jobs are refused"},
}

// checkMode refuses jobs, which end: a service of a slice stays. Where there is one machine, global is one container, as
// replicated is.
func checkMode(b *blueprint, s types.ServiceConfig) error {
	if s.Deploy == nil || s.Deploy.Mode == "" || s.Deploy.Mode == "replicated" || s.Deploy.Mode == "global" {
		return nil
	}
	return b.refuse(s, "deploy.mode", s.Deploy.Mode, "the modes are replicated and global")
}
