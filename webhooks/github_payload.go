package webhooks

import (
	"slices"

	"verdigris/deploy"
)

const (
	// githubMaxCommits is how many commits a push payload lists at most; more are left out without a word.
	githubMaxCommits = 2048
	// githubMaxFiles is how many changed files are listed for one commit at most.
	githubMaxFiles = 3000
)

// githubPush holds the fields of GitHub's push event that matter here; the others are skipped.
type githubPush struct {
	Ref        string           `json:"ref"`
	Before     string           `json:"before"`
	After      string           `json:"after"`
	Created    bool             `json:"created"`
	Deleted    bool             `json:"deleted"`
	Forced     bool             `json:"forced"`
	Repository githubRepository `json:"repository"`
	Pusher     struct {
		Name string `json:"name"`
	} `json:"pusher"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
	Commits    []githubCommit `json:"commits"`
	HeadCommit *githubCommit  `json:"head_commit"`
}

type githubCommit struct {
	ID       string   `json:"id"`
	Message  string   `json:"message"`
	Added    []string `json:"added"`
	Removed  []string `json:"removed"`
	Modified []string `json:"modified"`
}

type githubRepository struct {
	FullName string `json:"full_name"`
}

type githubPing struct {
	Hook struct {
		Events []string `json:"events"`
	} `json:"hook"`
	Repository githubRepository `json:"repository"`
}

// push turns the payload into the domain's push, or says which field does not hold what GitHub documents.
func (p *githubPush) push() (deploy.Push, error) {
	branch, tag, err := splitRef(p.Ref)
	if err != nil {
		return deploy.Push{}, err
	}
	after, err := commitField("after", p.After)
	if err != nil {
		return deploy.Push{}, err
	}
	before, err := commitField("before", p.Before)
	if err != nil {
		return deploy.Push{}, err
	}
	push := deploy.Push{
		Repository: cleanName(p.Repository.FullName),
		Ref:        p.Ref,
		Branch:     branch,
		Tag:        tag,
		Commit:     after,
		Before:     before,
		Subject:    p.subject(),
		Pusher:     cleanName(p.pusher()),
		Forced:     p.Forced,
		Deleted:    p.Deleted || after.IsZero(),
	}
	if tag != "" && !push.Deleted {
		push.Commit, err = p.taggedCommit(after)
	}
	push.Paths, push.PathsKnown = p.paths()
	return push, err
}

// taggedCommit returns the commit behind a tag: for an annotated tag, after names the tag object instead.
func (p *githubPush) taggedCommit(after deploy.Commit) (deploy.Commit, error) {
	if p.HeadCommit == nil {
		return after, nil
	}
	return commitField("head_commit.id", p.HeadCommit.ID)
}

func (p *githubPush) subject() string {
	if p.HeadCommit == nil {
		return ""
	}
	return subject(p.HeadCommit.Message)
}

// pusher returns who pushed. With a deploy key pusher.name is empty or the repository's owner, and sender is all there is.
func (p *githubPush) pusher() string {
	if p.Pusher.Name != "" {
		return p.Pusher.Name
	}
	return p.Sender.Login
}

// paths returns the files that the listed commits touch, and whether these are all that can differ. They are not
// after a forced push, which takes commits away too, nor for a new branch, of which nothing was deployed before;
// nor where the list is missing, empty or as long as GitHub makes it at most.
func (p *githubPush) paths() ([]string, bool) {
	if p.Forced || p.Created || len(p.Commits) >= githubMaxCommits {
		return nil, false
	}
	seen := make(map[string]struct{})
	var paths []string
	for _, c := range p.Commits {
		files := slices.Concat(c.Added, c.Removed, c.Modified)
		if len(files) >= githubMaxFiles {
			return nil, false
		}
		for _, file := range files {
			if _, ok := seen[file]; !ok {
				seen[file] = struct{}{}
				paths = append(paths, file)
			}
		}
	}
	return paths, len(paths) > 0
}

func commitField(name, id string) (deploy.Commit, error) {
	commit, err := deploy.ParseCommit(id)
	if err != nil {
		return "", &PayloadError{"field \"" + name + "\": " + err.Error()}
	}
	return commit, nil
}

// cleanName makes a name from a payload fit for logs and terminals.
func cleanName(name string) string { return clip(visible(name), 200) }
