// Package webhooks receives what forges say about pushes: it verifies a delivery's raw bytes, parses them and
// filters by branch, tag and path. Bytes go in and a deploy.Push comes out.
//
// There is one receiver per forge, in files named after it (github.go now); signatures, body encodings, refs and
// the filter are shared. The package reads no network and answers no request: the server caps the body, maps
// errors through their StatusCode method and remembers deliveries.
package webhooks
