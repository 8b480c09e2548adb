package config

import (
	"bytes"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Helpers for YAML trees that are changed rather than decoded.

// child returns the value of a mapping's key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for k, v := range pairs(n) {
		if k.Value == key {
			return v
		}
	}
	return nil
}

// keyOf returns the node of a mapping's key itself, or nil.
func keyOf(n *yaml.Node, key string) *yaml.Node {
	for k := range pairs(n) {
		if k.Value == key {
			return k
		}
	}
	return nil
}

// put sets a mapping's key.
func put(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, text(key), value)
}

// drop removes a mapping's key and returns its value, or nil.
func drop(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			value := n.Content[i+1]
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
			return value
		}
	}
	return nil
}

// names lists the keys of a mapping, or the texts of a sequence.
func names(n *yaml.Node) (list []string) {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			list = append(list, item.Value)
		}
		return list
	}
	for k := range pairs(n) {
		list = append(list, k.Value)
	}
	return list
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func quoted(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
}

func flag(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(value)}
}

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// expand copies a tree with its aliases and merge keys written out, so that parts of it can go separate ways.
func expand(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return expand(n.Alias)
	}
	copied := *n
	copied.Anchor, copied.Content = "", nil
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			copied.Content = append(copied.Content, expand(item))
		}
		return &copied
	}
	for k, v := range pairs(n) {
		if k.Value != "<<" {
			copied.Content = append(copied.Content, expand(k), expand(v))
		}
	}
	for _, merged := range merges(n) {
		for k, v := range pairs(expand(merged)) {
			if child(&copied, k.Value) == nil {
				copied.Content = append(copied.Content, k, v)
			}
		}
	}
	return &copied
}

// render writes a tree as YAML, indented by two.
func render(n *yaml.Node) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(n); err != nil {
		return "", err
	}
	return out.String(), nil
}
