package config

import "verdigris/deploy"

// Data says which redis keys belong to the app's data and move with the traffic.
type Data struct {
	// Keys are the selected keys as redis patterns, e.g. "images" or "session:*".
	Keys []string `yaml:"keys"`
	// Mirroring keeps the standby's selected keys in step with the live ones, unless that is switched at run time.
	Mirroring bool `yaml:"mirroring"`
	// Fencing lets the slice that the traffic has left write no more, so that late writes fail instead of being lost.
	Fencing bool `yaml:"fencing"`
	// LeftMayWrite are patterns of keys that do not move, which that slice may go on writing, e.g. "cache:*".
	LeftMayWrite []string `yaml:"left_may_write"`
	Blue         Redis    `yaml:"blue"`
	Green        Redis    `yaml:"green"`
}

// Of returns the redis of a production slice.
func (d *Data) Of(slice deploy.Slice) Redis {
	if slice == deploy.Green {
		return d.Green
	}
	return d.Blue
}

// Redis is the redis of one slice: a service of the compose files, or any server by its URL.
type Redis struct {
	Service string `yaml:"service"`
	Port    int    `yaml:"port"`
	// URL is redis://host:port/db, or rediss:// for TLS.
	URL      string    `yaml:"url"`
	DB       int       `yaml:"db"`
	Username string    `yaml:"username"`
	Password *Secret   `yaml:"password"`
	TLS      *RedisTLS `yaml:"tls"`
}

// RedisTLS says how to talk TLS to a redis.
type RedisTLS struct {
	// CAFile holds the certificates to trust; the system's own when it is empty.
	CAFile Path `yaml:"ca_file"`
	// ServerName is the name that the certificate must carry; the host when it is empty.
	ServerName string `yaml:"server_name"`
	// Certificate and Key are for servers that ask clients for one.
	Certificate Path `yaml:"certificate"`
	Key         Path `yaml:"key"`
}
