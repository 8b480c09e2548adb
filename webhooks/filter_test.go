package webhooks

import (
	"strings"
	"testing"

	"verdigris/deploy"
)

func branchPush(branch string, paths ...string) deploy.Push {
	return deploy.Push{Ref: "refs/heads/" + branch, Branch: branch, Commit: firstCommit, Paths: paths, PathsKnown: paths != nil}
}

func tagPush(tag string) deploy.Push {
	return deploy.Push{Ref: "refs/tags/" + tag, Tag: tag, Commit: firstCommit}
}

func TestFilterDecides(t *testing.T) {
	main := Filter{Branches: []string{"main"}}
	docs := Filter{Branches: []string{"main"}, IgnorePaths: []string{"docs/", "**/*.md"}}
	only := Filter{Branches: []string{"main"}, Paths: []string{"app/**", "Dockerfile"}, IgnorePaths: []string{"**/*_test.go"}}
	deleted := branchPush("main")
	deleted.Deleted = true
	for name, c := range map[string]struct {
		filter   Filter
		push     deploy.Push
		accepted bool
		reason   string
	}{
		"the branch":                 {main, branchPush("main"), true, "refs/heads/main"},
		"another branch":             {main, branchPush("mainly"), false, `branch "mainly"`},
		"a branch below":             {main, branchPush("main/x"), false, "branch"},
		"one star stays in its part": {Filter{Branches: []string{"release/*"}}, branchPush("release/a/b"), false, "branch"},
		"one star":                   {Filter{Branches: []string{"release/*"}}, branchPush("release/a"), true, ""},
		"two stars cross":            {Filter{Branches: []string{"release/**"}}, branchPush("release/a/b"), true, ""},
		"alternatives":               {Filter{Branches: []string{"{main,next}"}}, branchPush("next"), true, ""},
		"a branch named like a glob": {main, branchPush("*"), false, "branch"},
		"a deletion":                 {Filter{Branches: []string{"**"}}, deleted, false, "deleted"},
		"a tag where none deploys":   {main, tagPush("v1"), false, `tag "v1"`},
		"a tag":                      {Filter{Tags: []string{"v*"}}, tagPush("v1.2.0"), true, ""},
		"a branch where tags deploy": {Filter{Tags: []string{"**"}}, branchPush("main"), false, "branch"},
		"neither":                    {main, deploy.Push{Ref: "refs/notes/x"}, false, "neither"},
		"nothing configured":         {Filter{}, branchPush("main"), false, "branch"},
		"unknown files":              {only, branchPush("main"), true, "not known"},
		"only ignored files":         {docs, branchPush("main", "docs/a/b.txt", "README.md"), false, "none of the 2"},
		"one file that counts":       {docs, branchPush("main", "docs/a.txt", "main.go"), true, "main.go"},
		"a file that is asked for":   {only, branchPush("main", "x", "app/a/b.go"), true, "app/a/b.go"},
		"no file that is asked for":  {only, branchPush("main", "x", "y/Dockerfile"), false, "none"},
		"asked for and ignored":      {only, branchPush("main", "app/a_test.go"), false, "none"},
	} {
		accepted, reason := c.filter.Decide(c.push)
		if accepted != c.accepted || reason == "" || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: accepted %v because %q", name, accepted, reason)
		}
	}
}

func TestFilterRefusesPatternsThatAreNotGlobs(t *testing.T) {
	for _, f := range []Filter{{Branches: []string{"a[b"}}, {Tags: []string{""}}, {Paths: []string{"{a"}}, {IgnorePaths: []string{"ok", "[]"}}} {
		if f.Validate() == nil {
			t.Errorf("%+v is taken for valid", f)
		}
	}
	if err := (Filter{Branches: []string{"main", "release/**"}, Paths: []string{"docs/"}}).Validate(); err != nil {
		t.Error(err)
	}
}
