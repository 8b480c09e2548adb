package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// mapLinks notes the links for the engine's own bridge; in every other network they are a part of the endpoint.
func mapLinks(b *blueprint, s types.ServiceConfig) error {
	b.Host.Links = b.links(s)
	return nil
}

// links are further names of containers, as container:name. Like Docker Compose, a link to a service gives each of its
// containers the name of the link, and the two names that Compose 1 gave it, with the number of the container that
// links. Of several containers the first one comes last, since the engine lets the last one have the name.
func (b *blueprint) links(s types.ServiceConfig) (list []string) {
	for _, link := range s.Links {
		service, name := cutLink(link)
		target := b.project.Services[service]
		for number := range slices.Backward(make([]struct{}, target.GetScale())) {
			to := b.project.containerName(target, number+1)
			list = append(list,
				to+":"+name,
				fmt.Sprintf("%s:%s-%d", to, service, b.number),
				fmt.Sprintf("%s:%s-%s-%d", to, b.project.Name, service, b.number),
			)
		}
	}
	for _, link := range s.ExternalLinks {
		name, alias := cutLink(link)
		list = append(list, name+":"+alias)
	}
	return list
}

// cutLink splits a link into what it leads to and how it is called, by default the same.
func cutLink(link string) (to, name string) {
	to, name, ok := strings.Cut(link, ":")
	if !ok {
		name = to
	}
	return to, name
}
