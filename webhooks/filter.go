package webhooks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"verdigris/deploy"
)

// Filter says which pushes deploy. Its patterns are globs as github.com/bmatcuk/doublestar matches them: * stays
// within one part of a name, ** crosses slashes, {a,b} is either. A pattern that ends with / takes all below it.
type Filter struct {
	// Branches and Tags take the names that deploy, without refs/heads/ or refs/tags/. An empty list takes none.
	Branches, Tags []string
	// Paths are the files of which at least one must have changed; empty for any.
	Paths []string
	// IgnorePaths are the files that alone do not deploy.
	IgnorePaths []string
}

// Validate returns an error that names the first pattern that is not a glob.
func (f Filter) Validate() error {
	for _, pattern := range slices.Concat(f.Branches, f.Tags, f.Paths, f.IgnorePaths) {
		if pattern == "" || !doublestar.ValidatePattern(pattern) {
			return fmt.Errorf("check webhook filter: %q is not a valid pattern", pattern)
		}
	}
	return nil
}

// Decide tells whether the push deploys, and why or why not in words for the answer and the log. A deletion never
// does. A push whose files are not known passes the path filters: a needless deployment does less harm than a
// missing one.
func (f Filter) Decide(push deploy.Push) (accepted bool, reason string) {
	if push.Deleted {
		return false, fmt.Sprintf("%s was deleted", push.Ref)
	}
	switch {
	case push.Branch != "" && !matchAny(f.Branches, push.Branch):
		return false, fmt.Sprintf("branch %q is not one that deploys", push.Branch)
	case push.Tag != "" && !matchAny(f.Tags, push.Tag):
		return false, fmt.Sprintf("tag %q is not one that deploys", push.Tag)
	case push.Branch == "" && push.Tag == "":
		return false, fmt.Sprintf("%s is neither a branch nor a tag", push.Ref)
	}
	if len(f.Paths) == 0 && len(f.IgnorePaths) == 0 {
		return true, push.Ref + " deploys"
	}
	if !push.PathsKnown {
		return true, "the changed files are not known"
	}
	return f.decidePaths(push.Paths)
}

func (f Filter) decidePaths(paths []string) (bool, string) {
	for _, path := range paths {
		if !matchAny(f.IgnorePaths, path) && (len(f.Paths) == 0 || matchAny(f.Paths, path)) {
			return true, fmt.Sprintf("%s changed", cleanName(path))
		}
	}
	return false, fmt.Sprintf("none of the %d changed files is one that deploys", len(paths))
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if strings.HasSuffix(pattern, "/") {
			pattern += "**"
		}
		return doublestar.MatchUnvalidated(pattern, name)
	})
}
