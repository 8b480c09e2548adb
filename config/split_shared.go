package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"verdigris/deploy"
)

// routing are the services that bring requests to the live slice: names, app and public port are filled in. The
// router removes the sockets that one that was killed has left behind.
const routing = `
%[1]s:
  image: ${NGINX_IMAGE:-nginx:1.28}
  command: [nginx, -c, /etc/verdigris/edge.conf, -g, daemon off;]
  ports: ["%[4]s:8080"]
  volumes:
    - ./.verdigris/apps/%[3]s/nginx:/etc/verdigris:ro
    - ./.verdigris/apps/%[3]s/run:/run/verdigris
  depends_on: [%[2]s]
  restart: unless-stopped
%[2]s:
  image: ${NGINX_IMAGE:-nginx:1.28}
  command: [sh, -c, "rm -f /run/verdigris/router*.sock && exec nginx -c /etc/verdigris/router.conf -g 'daemon off;'"]
  volumes:
    - ./.verdigris/apps/%[3]s/nginx:/etc/verdigris:ro
    - ./.verdigris/apps/%[3]s/run:/run/verdigris
  networks: [blue, green, verdigris-blue, verdigris-green]
  restart: unless-stopped
`

// routeComment stands above the networks between router and slices.
const routeComment = "# Between the router and the web containers of each slice, and nobody else. Verdigris makes these networks with addresses\n# that stay; Docker Compose alone makes them as they stand here."

// shared builds the compose file of what both slices share.
func (s *splitter) shared() *yaml.Node {
	services := s.routing()
	if s.out.Redis != "" {
		for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
			put(services, s.redisName(slice), s.redis(slice))
		}
		s.noteRedis(keyOf(services, s.redisName(deploy.Blue)))
	}
	for _, name := range s.inShared {
		key, service := expand(keyOf(s.services, name)), expand(child(s.services, name))
		s.sharedService(key, service)
		services.Content = append(services.Content, key, service)
	}
	file, networks := mapping(), mapping()
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		network := mapping()
		put(network, "name", text(s.network(slice)))
		put(networks, string(slice), network)
	}
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		route := mapping()
		put(route, "name", text(s.routeNetwork(slice)))
		put(route, "internal", flag(true))
		put(networks, routeKey(slice), route)
	}
	keyOf(networks, routeKey(deploy.Blue)).HeadComment = routeComment
	put(file, "services", services)
	put(file, "networks", networks)
	s.carry(file, services)
	s.redisVolumes(file, services)
	return file
}

func (s *splitter) routing() *yaml.Node {
	// The text is ours, and parses.
	services, _ := parse(fmt.Appendf(nil, routing, s.out.Edge, s.out.Router, s.app, s.published()))
	return services
}

// published is what the app was reached at, in the form of a port mapping's beginning.
func (s *splitter) published() string {
	port := strconv.Itoa(s.out.Public)
	if s.out.Host == "" {
		return port
	}
	return s.out.Host + ":" + port
}

func (s *splitter) redisName(slice deploy.Slice) string { return s.out.Redis + "-" + string(slice) }

// redis is the copy of the app's redis for one slice, which knows it under the name that it always had.
func (s *splitter) redis(slice deploy.Slice) *yaml.Node {
	service := expand(child(s.services, s.out.Redis))
	keepUp(service)
	s.ownName(slice, service)
	drop(service, "ports")
	drop(service, "depends_on")
	own, networks := mapping(), mapping()
	put(own, "aliases", sequence(text(s.out.Redis)))
	put(networks, string(slice), own)
	put(service, "networks", networks)
	if volumes := child(service, "volumes"); volumes != nil {
		for _, volume := range volumes.Content {
			s.ownVolume(slice, volume)
		}
	}
	return service
}

// ownVolume gives each redis a place of its own for its data: two on one folder would destroy it.
func (s *splitter) ownVolume(slice deploy.Slice, volume *yaml.Node) {
	name := s.redisName(slice) + "-data"
	if target := child(volume, "target"); target != nil {
		if target.Value == "/data" {
			put(volume, "type", text("volume"))
			put(volume, "source", text(name))
		}
		return
	}
	parts := strings.Split(volume.Value, ":")
	if len(parts) > 1 && parts[1] == "/data" {
		parts[0] = name
		volume.Value = strings.Join(parts, ":")
	}
}

func (s *splitter) redisVolumes(file, services *yaml.Node) {
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		name := s.redisName(slice) + "-data"
		if s.out.Redis == "" || !slices.Contains(volumeSources(child(services, s.redisName(slice))), name) {
			continue
		}
		if child(file, "volumes") == nil {
			put(file, "volumes", mapping())
		}
		put(child(file, "volumes"), name, mapping())
	}
}

func (s *splitter) noteRedis(at *yaml.Node) {
	original := child(s.services, s.out.Redis)
	if child(original, "ports") != nil {
		s.note(at, "%s published a port, which two cannot both have: it is left out", s.out.Redis)
	}
	if child(original, "volumes") != nil {
		s.note(at, "%s is two now, each with a new volume: bring the old data into %s before you go live", s.out.Redis, s.redisName(deploy.Blue))
	}
	if whole, err := render(original); err == nil && strings.Contains(strings.ToLower(whole), "pass") {
		s.note(at, "%s seems to have a password: give it to data.blue.password and data.green.password in verdigris.yml", s.out.Redis)
	}
}

// sharedService puts a service on the networks of both slices.
func (s *splitter) sharedService(key, service *yaml.Node) {
	keepUp(service)
	s.keepDependencies(key, service, s.inShared)
	networks := drop(service, "networks")
	joined := mapping()
	for _, slice := range []deploy.Slice{deploy.Blue, deploy.Green} {
		own, aliases := mapping(), sequence()
		for _, name := range names(networks) {
			if list := child(child(networks, name), "aliases"); list != nil {
				aliases.Content = append(aliases.Content, list.Content...)
			}
		}
		if len(aliases.Content) > 0 {
			put(own, "aliases", aliases)
		}
		put(joined, string(slice), own)
	}
	put(service, "networks", joined)
	for _, source := range volumeSources(service) {
		if slices.Contains(names(child(s.root, "volumes")), source) {
			s.note(key, "%s has a new volume %s: to keep the data of the old one give that volume `external: true` and its old name, e.g. %s_%s", key.Value, source, s.app, source)
		}
	}
}
