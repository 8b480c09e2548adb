package webhooks

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"verdigris/deploy"
)

// SamplePush says what NewPush writes into a payload. Ref, After and Repository are needed; the rest is filled in.
type SamplePush struct {
	Repository string        // full name, e.g. "acme/gallery"
	Ref        string        // e.g. refs/heads/main
	Before     deploy.Commit // empty or zero for a ref that this push creates
	After      deploy.Commit // zero for a ref that this push deletes
	Forced     bool
	Pusher     string // a login; "octocat" when empty
	Email      string // of the pusher
	// Commits are oldest first. Without any the push carries no commit of its own, like one of a new branch.
	Commits []SampleCommit
	// Head is the commit at the head; the last of Commits when nil.
	Head *SampleCommit
}

// SampleCommit is one commit of a SamplePush.
type SampleCommit struct {
	ID, Tree                 deploy.Commit
	Message                  string
	Author, Email            string
	Time                     time.Time
	Added, Removed, Modified []string
}

// NewPush returns the JSON payload that GitHub would send for the push, with every field of its push event
// ("Webhook events and payloads", push). It is for trying a webhook out without a forge.
func NewPush(s SamplePush) ([]byte, error) {
	owner, name, ok := strings.Cut(s.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("make push payload: repository %q is not of the form owner/name", s.Repository)
	}
	if _, _, err := splitRef(s.Ref); err != nil {
		return nil, fmt.Errorf("make push payload: %q is not a full ref such as refs/heads/main", s.Ref)
	}
	if _, err := deploy.ParseCommit(string(s.After)); err != nil {
		return nil, fmt.Errorf("make push payload: commit after the push: %w", err)
	}
	if s.Before == "" {
		s.Before = deploy.Commit(strings.Repeat("0", len(s.After)))
	}
	if s.Pusher == "" {
		s.Pusher = "octocat"
	}
	if s.Email == "" {
		s.Email = s.Pusher + "@users.noreply.github.com"
	}
	return json.Marshal(s.payload(owner, name))
}

// NewDelivery returns the headers that GitHub would send with the body, signed with the secret. The id is new for
// every call, as it is for every delivery that is not a redelivery.
func NewDelivery(event, contentType, secret string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Accept", "*/*")
	h.Set("Content-Type", contentType)
	h.Set("User-Agent", "GitHub-Hookshot/044aadd")
	h.Set("X-GitHub-Delivery", newGUID())
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Hook-ID", "292430182")
	h.Set("X-GitHub-Hook-Installation-Target-ID", "79929171")
	h.Set("X-GitHub-Hook-Installation-Target-Type", "repository")
	h.Set("X-Hub-Signature-256", Sign(secret, body))
	return h
}

type object map[string]any

func (s SamplePush) payload(owner, name string) object {
	url := "https://github.com/" + s.Repository
	commits := make([]object, len(s.Commits))
	for i, c := range s.Commits {
		commits[i] = s.commit(url, c)
	}
	head := s.Head
	if head == nil && len(s.Commits) > 0 {
		head = &s.Commits[len(s.Commits)-1]
	}
	p := object{
		"ref": s.Ref, "before": s.Before, "after": s.After,
		"created": s.Before.IsZero(), "deleted": s.After.IsZero(), "forced": s.Forced,
		"base_ref": nil, "compare": s.compare(url), "commits": commits, "head_commit": nil,
		"repository": sampleRepository(owner, name, s.pushedAt()),
		"pusher":     object{"name": s.Pusher, "email": s.Email},
		"sender":     sampleUser(s.Pusher),
	}
	if head != nil && !s.After.IsZero() {
		p["head_commit"] = s.commit(url, *head)
	}
	return p
}

func (s SamplePush) commit(url string, c SampleCommit) object {
	author, email := c.Author, c.Email
	if author == "" {
		author, email = s.Pusher, s.Email
	}
	tree := c.Tree
	if tree == "" {
		tree = c.ID
	}
	person := object{"name": author, "email": email, "username": s.Pusher, "date": c.Time.Format(time.RFC3339)}
	return object{
		"id": c.ID, "tree_id": tree, "distinct": true, "message": c.Message,
		"timestamp": c.Time.Format(time.RFC3339), "url": url + "/commit/" + string(c.ID),
		"author": person, "committer": person,
		"added": list(c.Added), "removed": list(c.Removed), "modified": list(c.Modified),
	}
}

func (s SamplePush) compare(url string) string {
	if s.Before.IsZero() || s.After.IsZero() {
		_, name, _ := strings.Cut(strings.TrimPrefix(s.Ref, "refs/"), "/")
		return url + "/compare/" + name
	}
	return url + "/compare/" + s.Before.Short() + "..." + s.After.Short()
}

func (s SamplePush) pushedAt() time.Time {
	if len(s.Commits) == 0 {
		return time.Now()
	}
	return s.Commits[len(s.Commits)-1].Time
}

// list makes an empty JSON array of no files, where a nil slice would become null.
func list(files []string) []string { return slices.Concat([]string{}, files) }

// newGUID returns a random id of the form that GitHub gives its deliveries (RFC 9562, version 4).
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
