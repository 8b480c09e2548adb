package source

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"verdigris/deploy"
)

// Resolve names the commit at the head of a branch, or else of a tag; an annotated tag gives the commit that it
// marks. A full ref such as refs/tags/v1 is taken as it is, and so is a full commit id, which is not looked up.
func (r *Repository) Resolve(ctx context.Context, ref string) (deploy.Commit, error) {
	if commit, err := deploy.ParseCommit(ref); err == nil && !commit.IsZero() {
		return commit, nil
	}
	if err := checkRefName(ref); err != nil {
		return "", err
	}
	if err := r.prepare(); err != nil {
		return "", err
	}
	candidates := []string{"refs/heads/" + ref, "refs/tags/" + ref + "^{}", "refs/tags/" + ref}
	if strings.HasPrefix(ref, "refs/") {
		candidates = []string{ref + "^{}", ref}
	}
	out, err := r.run(ctx, command{
		verb:    "ask the repository for " + ref,
		args:    append([]string{"ls-remote", "--quiet", "--", r.at.url}, candidates...),
		timeout: r.ResolveTimeout,
	})
	if err != nil {
		return "", err
	}
	heads := parseRefs(out)
	for _, name := range candidates {
		if id, ok := heads[name]; ok {
			return deploy.ParseCommit(id)
		}
	}
	return "", fmt.Errorf("resolve %q in %s: %w", ref, r.at.url, deploy.ErrUnknownRef)
}

// parseRefs reads git-ls-remote(1)'s lines. They may hold more than was asked for: git takes names as patterns that
// match at the end, so that x/refs/heads/main comes along with refs/heads/main.
func parseRefs(out string) map[string]string {
	refs := make(map[string]string)
	for line := range strings.Lines(out) {
		if id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			refs[name] = id
		}
	}
	return refs
}

// checkRefName refuses what git-check-ref-format(1) does not allow in the name of a branch or tag, and a leading dash.
func checkRefName(name string) error {
	bad := name == "" || len(name) > 1024 || name == "@" || strings.HasPrefix(name, "-") ||
		strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "//") || strings.Contains(name, "@{") ||
		strings.ContainsAny(name, " ~^:?*[\\") || strings.ContainsFunc(name, unicode.IsControl)
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return &deploy.InputError{Reason: fmt.Sprintf("%.100q is not the name of a branch or tag", name)}
	}
	return nil
}
