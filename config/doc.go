// Package config reads verdigris.yml: the structs, their defaults, a strict decoder that knows the line of
// every field, and Validate, which reports all mistakes at once. It also holds the annotated example and
// the helper that turns one docker-compose.yml into three.
//
// It turns files into values and stops there: it opens no connection and starts nothing. Secrets are read
// when somebody asks for them, so that a command which needs none works where none can be read.
package config
