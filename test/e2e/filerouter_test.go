package e2e

import (
	"net/http"
	"strings"
	"testing"

	"verdigris/deploy"
	"verdigris/internal/testkit"
)

// ownNginx gives the site an nginx that somebody else configured, which takes in one file of verdigris's.
func ownNginx(s *site) {
	s.write("nginx/nginx.conf", `events {}
http {
  include /etc/site/upstream.conf;
  server {
    listen 8080;
    location / { proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`)
	s.write("nginx/upstream.conf", "upstream site { server 127.0.0.1:1; }\n")
	s.write("docker-compose.shared.yml", s.names().Replace(`services:
  front:
    image: ${NGINX_IMAGE}
    command: [nginx, -c, /etc/site/nginx.conf, -g, daemon off;]
    ports: ["8080:8080"]
    volumes: [./nginx:/etc/site:ro]
    networks: [gallery]
  redis-blue:
    image: ${REDIS_IMAGE}
    command: [redis-server, --port, "6379"]
    ports: ["127.0.0.1:6379:6379"]
    networks: [gallery]
  redis-green:
    image: ${REDIS_IMAGE}
    command: [redis-server, --port, "6380"]
    ports: ["127.0.0.1:6380:6380"]
    networks: [gallery]
networks:
  gallery:
    name: gallery
`))
	old := `router: {edge: {listen: [8080], url: "http://127.0.0.1:` + s.ports["edge"] + `"}}`
	s.replace("verdigris.yml", old, `router: {kind: file, file: nginx/upstream.conf, format: upstream, upstream: site, container: front, url: "http://127.0.0.1:`+s.ports["edge"]+`"}`)
}

func TestAnNginxOfOnesOwnIsRoutedThroughOneIncludeFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, ownNginx).blueLive()
	s.upload("one")
	s.want(s.push(s.commit("second")), deploy.StateSucceeded)
	if status, body := answer(http.Get(s.edge("/"))); status != http.StatusOK || !strings.Contains(body, "green") {
		t.Errorf("status %d: %s", status, body)
	}
	if file := testkit.Read(t, s.dir+"/nginx/upstream.conf"); !strings.Contains(file, "upstream site") || !strings.Contains(file, "green") {
		t.Errorf("the include file: %s", file)
	}
	s.want(s.order("/rollback", ""), deploy.StateSucceeded)
	if status, body := answer(http.Get(s.edge("/"))); status != http.StatusOK || !strings.Contains(body, "blue") || !strings.Contains(body, "1 image") {
		t.Errorf("after the rollback: status %d: %s", status, body)
	}
}
