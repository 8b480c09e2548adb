package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"verdigris/test/load"
)

// benchHead begins what is posted, for apps that take nothing but pictures.
const benchHead = "GIF89a"

// smallPost is the size of what a client that is no uploader posts, in bytes.
const smallPost = 1000

// uploadEvery is the least time from one upload of a client to the next: what is sent stays, and 3 MB a second are a lot.
const uploadEvery = time.Second

// at returns the URL of a path of the site, which may have a query.
func at(site *url.URL, path string) string {
	return strings.TrimSuffix(site.String(), "/") + "/" + strings.TrimPrefix(path, "/")
}

// workers are the visitors that the flags ask for.
func (o *benchOptions) workers(site *url.URL) (workers []load.Worker) {
	get := func(int) (*http.Request, error) { return http.NewRequest(http.MethodGet, at(site, o.get), nil) }
	post := func(int) (*http.Request, error) { return load.Post(at(site, o.post), benchHead, smallPost) }
	for i := range o.clients {
		w := load.Requests{Kind: "GET", Request: get, Every: o.every}
		if o.post != "" && i%2 == 1 {
			w.Kind, w.Request = "POST", post
		}
		workers = append(workers, w)
	}
	for range o.uploads {
		w := load.Uploads(at(site, o.post), func(int) string { return benchHead })
		w.Every = uploadEvery
		workers = append(workers, w)
	}
	for range o.sockets {
		workers = append(workers, load.WebSocket{URL: at(site, o.socket)})
	}
	return workers
}
