package webhooks

import (
	"time"
)

// repositoryLinks are the hypermedia fields of a repository, by what follows its API address.
var repositoryLinks = map[string]string{
	"archive_url":       "/{archive_format}{/ref}",
	"assignees_url":     "/assignees{/user}",
	"blobs_url":         "/git/blobs{/sha}",
	"branches_url":      "/branches{/branch}",
	"collaborators_url": "/collaborators{/collaborator}",
	"comments_url":      "/comments{/number}",
	"commits_url":       "/commits{/sha}",
	"compare_url":       "/compare/{base}...{head}",
	"contents_url":      "/contents/{+path}",
	"contributors_url":  "/contributors",
	"deployments_url":   "/deployments",
	"downloads_url":     "/downloads",
	"events_url":        "/events",
	"forks_url":         "/forks",
	"git_commits_url":   "/git/commits{/sha}",
	"git_refs_url":      "/git/refs{/sha}",
	"git_tags_url":      "/git/tags{/sha}",
	"hooks_url":         "/hooks",
	"issue_comment_url": "/issues/comments{/number}",
	"issue_events_url":  "/issues/events{/number}",
	"issues_url":        "/issues{/number}",
	"keys_url":          "/keys{/key_id}",
	"labels_url":        "/labels{/name}",
	"languages_url":     "/languages",
	"merges_url":        "/merges",
	"milestones_url":    "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}",
	"pulls_url":         "/pulls{/number}",
	"releases_url":      "/releases{/id}",
	"stargazers_url":    "/stargazers",
	"statuses_url":      "/statuses/{sha}",
	"subscribers_url":   "/subscribers",
	"subscription_url":  "/subscription",
	"tags_url":          "/tags",
	"teams_url":         "/teams",
	"trees_url":         "/git/trees{/sha}",
}

// userLinks are the hypermedia fields of a user, by what follows the user's API address.
var userLinks = map[string]string{
	"events_url":          "/events{/privacy}",
	"followers_url":       "/followers",
	"following_url":       "/following{/other_user}",
	"gists_url":           "/gists{/gist_id}",
	"organizations_url":   "/orgs",
	"received_events_url": "/received_events",
	"repos_url":           "/repos",
	"starred_url":         "/starred{/owner}{/repo}",
	"subscriptions_url":   "/subscriptions",
	"url":                 "",
}

func sampleRepository(owner, name string, pushed time.Time) object {
	full := owner + "/" + name
	url := "https://github.com/" + full
	user := sampleUser(owner)
	user["name"], user["email"] = owner, owner+"@users.noreply.github.com"
	r := object{
		"id": 1296269, "node_id": "R_kgDOABPHjQ", "name": name, "full_name": full, "private": false, "owner": user,
		"html_url": url, "description": nil, "fork": false, "url": url, "homepage": nil, "language": "Go",
		"created_at": 1767225600, "updated_at": pushed.UTC().Format(time.RFC3339), "pushed_at": pushed.Unix(),
		"git_url": "git://github.com/" + full + ".git", "ssh_url": "git@github.com:" + full + ".git",
		"clone_url": url + ".git", "svn_url": url, "mirror_url": nil,
		"size": 128, "stargazers_count": 0, "watchers_count": 0, "forks_count": 0, "open_issues_count": 0,
		"forks": 0, "open_issues": 0, "watchers": 0, "stargazers": 0,
		"has_issues": true, "has_projects": true, "has_downloads": true, "has_wiki": true, "has_pages": false,
		"has_discussions": false, "archived": false, "disabled": false, "license": nil, "allow_forking": true,
		"is_template": false, "web_commit_signoff_required": false, "topics": []string{}, "visibility": "public",
		"default_branch": "main", "master_branch": "main", "custom_properties": object{},
	}
	for field, path := range repositoryLinks {
		r[field] = "https://api.github.com/repos/" + full + path
	}
	return r
}

func sampleUser(login string) object {
	u := object{
		"login": login, "id": 583231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "gravatar_id": "",
		"avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4", "html_url": "https://github.com/" + login,
		"type": "User", "user_view_type": "public", "site_admin": false,
	}
	for field, path := range userLinks {
		u[field] = "https://api.github.com/users/" + login + path
	}
	return u
}
