package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/strslice"

	"verdigris/deploy"
)

// securityAttributes say what the container may do.
var securityAttributes = []attribute{
	{name: "cap_add cap_drop privileged read_only group_add", apply: mapPrivileges},
	{name: "security_opt", apply: mapSecurityOpt},
}

func mapPrivileges(b *blueprint, s types.ServiceConfig) error {
	b.Host.CapAdd = strslice.StrSlice(s.CapAdd)
	b.Host.CapDrop = strslice.StrSlice(s.CapDrop)
	b.Host.Privileged = s.Privileged
	b.Host.ReadonlyRootfs = s.ReadOnly
	b.Host.GroupAdd = s.GroupAdd
	return nil
}

// mapSecurityOpt passes the options on. Two of them are not the Engine's: a seccomp profile is sent by its content, and
// systempaths=unconfined is a setting of its own.
func mapSecurityOpt(b *blueprint, s types.ServiceConfig) error {
	for _, option := range s.SecurityOpt {
		if option == "systempaths=unconfined" {
			b.Host.MaskedPaths, b.Host.ReadonlyPaths = []string{}, []string{}
			continue
		}
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			name, value, ok = strings.Cut(option, ":")
		}
		if !ok && name != "no-new-privileges" {
			return b.refuse(s, "security_opt", option, "it is not of the form name=value")
		}
		if name == "seccomp" && value != "unconfined" && value != "builtin" {
			profile, err := b.seccomp(s, value)
			if err != nil {
				return err
			}
			option = "seccomp=" + profile
		}
		b.Host.SecurityOpt = append(b.Host.SecurityOpt, option)
	}
	return nil
}

// seccomp reads a profile; its path is relative to the first compose file's directory.
func (b *blueprint) seccomp(s types.ServiceConfig, file string) (string, error) {
	if file == "" {
		return "", b.refuse(s, "security_opt", "seccomp", "it names no profile")
	}
	content, err := os.ReadFile(b.project.RelativePath(file))
	var compact bytes.Buffer
	if err == nil {
		err = json.Compact(&compact, content)
	}
	if err != nil {
		return "", &deploy.HintedError{
			Err:  fmt.Errorf("service %s: read seccomp profile %s (%s): %w", s.Name, file, b.project.whereIs("service", s.Name, "security_opt"), err),
			Next: "put the profile there as JSON, or correct security_opt in the compose file",
		}
	}
	return compact.String(), nil
}
