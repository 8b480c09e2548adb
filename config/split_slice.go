package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"verdigris/deploy"
)

// slice builds the compose file of one slice.
func (s *splitter) slice(slice deploy.Slice) *yaml.Node {
	services := mapping()
	for _, name := range s.inSlice {
		key, service := expand(keyOf(s.services, name)), expand(child(s.services, name))
		s.sliceService(slice, key, service)
		services.Content = append(services.Content, key, service)
	}
	network := mapping()
	put(network, "external", flag(true))
	put(network, "name", text(s.network(slice)))
	networks := mapping()
	put(networks, "default", network)
	if web := s.routed(services); web != nil {
		route := mapping()
		put(route, "external", flag(true))
		put(route, "name", text(s.routeNetwork(slice)))
		put(networks, routeKey(slice), route)
		last := mapping()
		put(last, "priority", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "-1"})
		s.join(web, routeKey(slice), last)
	}

	file := mapping()
	put(file, "services", services)
	put(file, "networks", networks)
	s.carry(file, services)
	return file
}

// network is the network of a slice; the shared file makes it, and what is shared joins it.
func (s *splitter) network(slice deploy.Slice) string { return s.app + "-" + string(slice) }

// routeKey is what the files call the network between the router and the slice, and routeNetwork is its name, as verdigris
// gives it; see docs/compose.md.
func routeKey(slice deploy.Slice) string { return "verdigris-" + string(slice) }

func (s *splitter) routeNetwork(slice deploy.Slice) string { return s.app + "-" + routeKey(slice) }

// routed is the service that joins the network between router and slice: the one that answers requests or whose network
// that uses; nil where that has no network of its own.
func (s *splitter) routed(services *yaml.Node) *yaml.Node {
	web := child(services, s.out.Web)
	for range services.Content {
		mode := child(web, "network_mode")
		if mode == nil {
			return web
		}
		web = child(services, strings.TrimPrefix(mode.Value, "service:"))
	}
	return nil
}

// join adds a network to those of a service, which is in the file's default one if it names none.
func (s *splitter) join(service *yaml.Node, key string, settings *yaml.Node) {
	if child(service, "networks") == nil {
		own := mapping()
		put(own, "default", mapping())
		put(service, "networks", own)
	}
	put(child(service, "networks"), key, settings)
}

func (s *splitter) sliceService(slice deploy.Slice, key, service *yaml.Node) {
	name := key.Value
	if child(service, "build") != nil {
		put(service, "image", text(fmt.Sprintf("%s-%s:${IMAGE_TAG:-dev}", s.app, name)))
	}
	if name == s.out.Web {
		keepUp(service)
	}
	s.ownName(slice, service)
	s.publish(slice, key, service)
	s.keepDependencies(key, service, s.inSlice)
	s.flatten(key, service)
	for _, source := range volumeSources(service) {
		switch {
		case strings.HasPrefix(source, "."):
			s.note(key, "%s mounts %s, which is part of each release's own checkout: data that must stay needs a volume or an absolute path", name, source)
		case slices.Contains(names(child(s.root, "volumes")), source):
			s.note(key, "%s has the volume %s once for each slice now: files that both slices must see belong elsewhere", name, source)
		}
	}
	if child(service, "env_file") != nil {
		s.note(key, "%s reads an env_file, which must be in the repository or have an absolute path", name)
	}
}

// ownName makes the name of a container different in each slice.
func (s *splitter) ownName(slice deploy.Slice, service *yaml.Node) {
	if name := child(service, "container_name"); name != nil {
		name.Value += "-" + string(slice)
	}
}

// keepUp lets a server that says nothing about restarts come back with the machine, as the edge and the router do.
func keepUp(service *yaml.Node) {
	if child(service, "restart") == nil && child(child(service, "deploy"), "restart_policy") == nil {
		put(service, "restart", text("unless-stopped"))
	}
}

// publish leaves the public port to the edge. The web service can be looked at on a local port of its slice.
func (s *splitter) publish(slice deploy.Slice, key, service *yaml.Node) {
	ports := drop(service, "ports")
	if key.Value == s.out.Web {
		put(service, "ports", sequence(quoted(fmt.Sprintf("127.0.0.1:%d:%d", s.localPort(slice), s.out.Port))))
		if ports != nil && len(ports.Content) > 1 {
			s.note(key, "%s published more ports than one: the edge passes on HTTP on the first of them", key.Value)
		}
		return
	}
	if ports != nil {
		s.note(key, "%s published ports, which two slices cannot both have: they are left out", key.Value)
	}
}

// localPort is a port beside the public one; 9000 is verdigris' own.
func (s *splitter) localPort(slice deploy.Slice) int {
	port := s.out.Public + 1
	if port < 1024 {
		port += 8000
	}
	if slice == deploy.Green {
		port++
	}
	if port >= 9000 && port <= 9001 {
		port += 10
	}
	return port
}

// keepDependencies drops dependencies on services that are in another file.
func (s *splitter) keepDependencies(key, service *yaml.Node, here []string) {
	for _, field := range []string{"depends_on", "links"} {
		dependencies := child(service, field)
		if dependencies == nil {
			continue
		}
		for _, name := range names(dependencies) {
			other, _, _ := strings.Cut(name, ":")
			if slices.Contains(here, other) {
				continue
			}
			remove(dependencies, name)
			if field == "links" {
				s.note(key, "%s was linked to %s: it is found under its own name now", key.Value, other)
			}
		}
		if len(dependencies.Content) == 0 {
			drop(service, field)
		}
	}
}

// remove takes a name out of a sequence, or a key out of a mapping.
func remove(n *yaml.Node, name string) {
	if n.Kind == yaml.MappingNode {
		drop(n, name)
		return
	}
	n.Content = slices.DeleteFunc(n.Content, func(item *yaml.Node) bool { return item.Value == name })
}

// flatten moves a service from networks of the file's own to that of its slice, and keeps its further names.
func (s *splitter) flatten(key, service *yaml.Node) {
	networks := drop(service, "networks")
	if networks == nil {
		return
	}
	kept, aliases := mapping(), sequence()
	for _, name := range names(networks) {
		settings := child(networks, name)
		if external := child(child(child(s.root, "networks"), name), "external"); external != nil {
			if settings == nil || settings.Kind != yaml.MappingNode {
				settings = mapping()
			}
			put(kept, name, settings)
			continue
		}
		if list := child(settings, "aliases"); list != nil {
			aliases.Content = append(aliases.Content, list.Content...)
		}
	}
	if len(kept.Content) == 0 && len(aliases.Content) == 0 {
		return
	}
	own := mapping()
	if len(aliases.Content) > 0 {
		put(own, "aliases", aliases)
	}
	put(kept, "default", own)
	put(service, "networks", kept)
}

// carry copies the volumes, configs, secrets and external networks that the services of a file name.
func (s *splitter) carry(file, services *yaml.Node) {
	for _, section := range []string{"volumes", "configs", "secrets", "networks"} {
		for key, value := range pairs(orEmpty(child(s.root, section))) {
			if !used(services, section, key.Value) {
				continue
			}
			if child(file, section) == nil {
				put(file, section, mapping())
			}
			if to := child(file, section); child(to, key.Value) == nil {
				put(to, key.Value, expand(value))
			}
		}
	}
}

func used(services *yaml.Node, section, name string) bool {
	for _, service := range pairs(services) {
		if section == "volumes" && slices.Contains(volumeSources(service), name) {
			return true
		}
		list := child(service, section)
		if section == "volumes" || list == nil {
			continue
		}
		if slices.Contains(names(list), name) {
			return true
		}
		for _, item := range list.Content {
			if source := child(item, "source"); source != nil && source.Value == name {
				return true
			}
		}
	}
	return false
}

func orEmpty(n *yaml.Node) *yaml.Node {
	if n == nil {
		return mapping()
	}
	return n
}
