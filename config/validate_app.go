package config

import (
	"regexp"
	"strings"

	"verdigris/deploy"
)

// appChecker looks at one app.
type appChecker struct {
	*checker
	app *App
	at  string // the field of the app, e.g. apps.gallery
}

// nameRule is what Compose takes as a project name, short enough for `<app>-staging` to be a host name.
var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

func (k *appChecker) check() {
	if !nameRule.MatchString(k.app.Name) {
		k.wrong(k.at, "is not a name for an app: use up to 40 lower-case letters, digits, - and _, a letter or digit first")
	}
	k.repository()
	k.compose()
	k.web()
	k.router()
	k.data()
	k.webhook()
	k.runbook()
}

func (k *appChecker) field(name string) string { return k.at + "." + name }

func (k *appChecker) repository() {
	r := k.app.Repository
	k.required(k.field("repository.url"), r.URL, "the git repository that is deployed, e.g. https://example.com/shop.git or a folder")
	if r.URL != "" && !isFolder(r.URL) && !scpLike.MatchString(r.URL) {
		k.url(k.field("repository.url"), strings.Replace(r.URL, "file:///", "file://localhost/", 1), "https", "ssh", "http", "file")
	}
	if !branchRule.MatchString(r.Branch) || strings.Contains(r.Branch, "..") || strings.HasSuffix(r.Branch, ".lock") {
		k.wrong(k.field("repository.branch"), "is not a branch name: %q", r.Branch)
	}
	if r.Token != nil && !strings.HasPrefix(r.URL, "https://") {
		k.wrong(k.field("repository.token"), "is for https:// alone, and the url is not")
	}
	if r.SSHKeyFile != "" && !strings.HasPrefix(r.URL, "ssh://") && !scpLike.MatchString(r.URL) {
		k.wrong(k.field("repository.ssh_key_file"), "is for ssh alone, and the url is not ssh://host/path or user@host:path")
	}
}

var (
	scpLike    = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*@[\w.-]+:[^:].*$`)
	branchRule = regexp.MustCompile(`^[\pL\pN_.@+#%=,!-][\pL\pN_.@/+#%=,!-]*$`)
)

// isFolder tells whether a repository's url is a plain path of this machine.
func isFolder(url string) bool {
	return url != "" && !strings.Contains(url, "://") && !strings.Contains(url, "::") &&
		!strings.HasPrefix(url, "-") && !scpLike.MatchString(url)
}

func (k *appChecker) compose() {
	files := k.app.Compose.Slices
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		if len(files.Of(slice)) == 0 {
			k.wrong(k.field("compose.slices."+string(slice)), "is missing: the compose files of the %s slice", slice)
		}
	}
	for _, slice := range k.app.Slices() {
		k.inside(k.field("compose.slices."+string(slice)), files.Of(slice))
	}
	if len(k.app.Compose.Shared) == 0 && k.app.Router.Kind == RouterNginx {
		k.wrong(k.field("compose.shared"), "is empty: the router and the edge are services of a shared compose file (or use router.kind: file)")
	}
}

func (k *appChecker) web() {
	w := k.app.Web
	k.required(k.field("web.service"), w.Service, "the compose service that answers requests")
	k.oneOf(k.field("web.address"), w.Address, AddressContainer, AddressHost)
	if w.Port != 0 {
		k.port(k.field("web.port"), w.Port)
	}
	for _, slice := range k.app.Slices() {
		port := w.PortOf(slice)
		if port == 0 {
			k.wrong(k.field("web.port"), "is missing: the port on which the web service of %s answers (or web.ports.%s)", slice, slice)
			return
		}
		if port != w.Port {
			k.port(k.field("web.ports."+string(slice)), port)
		}
	}
}

func (k *appChecker) router() {
	r := k.app.Router
	switch k.oneOf(k.field("router.kind"), r.Kind, RouterNginx, RouterFile); r.Kind {
	case RouterNginx:
		k.nginxRouter(r)
	case RouterFile:
		k.fileRouter(r)
	}
}

func (k *appChecker) nginxRouter(r Router) {
	k.ports(k.field("router.edge.listen"), r.Edge.Listen)
	if len(r.Edge.Listen) == 0 && r.Edge.TLS == nil {
		k.wrong(k.field("router.edge.listen"), "is empty, and there is no tls either: the edge would listen nowhere")
	}
	k.url(k.field("router.edge.url"), r.Edge.URL, "http", "https")
	if t := r.Edge.TLS; t != nil {
		k.ports(k.field("router.edge.tls.listen"), t.Listen)
		k.required(k.field("router.edge.tls.certificate"), t.Certificate, "the path of the certificate inside the edge's container")
		k.required(k.field("router.edge.tls.key"), t.Key, "the path of the certificate's key inside the edge's container")
	}
	for name, set := range map[string]bool{"file": r.File != "", "format": r.Format != "", "upstream": r.Upstream != "",
		"test": r.Test != nil, "reload": r.Reload != nil, "container": r.Container != "", "url": r.URL != ""} {
		if set {
			k.wrong(k.field("router."+name), "belongs to router.kind: file, and the kind is nginx")
		}
	}
}

func (k *appChecker) fileRouter(r Router) {
	k.required(k.field("router.file"), string(r.File), "the include file of your nginx, e.g. /etc/nginx/conf.d/upstream.conf")
	k.oneOf(k.field("router.format"), r.Format, FormatServer, FormatUpstream)
	k.url(k.field("router.url"), r.URL, "http", "https")
	if !nameRule.MatchString(strings.ToLower(r.Upstream)) {
		k.wrong(k.field("router.upstream"), "is not a name for an upstream: %q", r.Upstream)
	}
	if r.Container != "" && (len(r.Test) > 0 || len(r.Reload) > 0) {
		k.wrong(k.field("router.container"), "and the commands test and reload exclude each other: nginx runs in a container or here")
	}
	if (len(r.Test) > 0) != (len(r.Reload) > 0) {
		k.wrong(k.field("router"), "has one of test and reload: a file is tested before nginx takes it up, so both are needed")
	}
}
