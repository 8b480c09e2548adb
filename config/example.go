package config

import _ "embed"

// Example is an annotated verdigris.yml with every field.
//
//go:embed example.yml
var Example string
