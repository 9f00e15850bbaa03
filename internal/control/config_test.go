package control

import (
	"math"
	"testing"
)

// TestEndpoint: clients are pointed to where they can go.
func TestEndpoint(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:4566": "http://127.0.0.1:4566", "[::1]:4566": "http://[::1]:4566", "10.0.0.7:80": "http://10.0.0.7:80", "localhost:1": "http://localhost:1",
		"0.0.0.0:4600": "http://127.0.0.1:4600", ":4600": "http://127.0.0.1:4600", "[::]:4600": "http://127.0.0.1:4600",
	} {
		p := &Platform{config: Config{Listen: listen}}
		if got, all := p.Endpoint(), p.Everywhere(); got != want || all != ("http://"+listen != want) {
			t.Errorf("%s: %s, all addresses: %v", listen, got, all)
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Listen: "127.0.0.1:4566", DataDir: "x", Account: "000000000000", Region: "us-east-1", TimeScale: 1}
	for name, c := range map[string]struct {
		change func(*Config)
		ok     bool
	}{
		"as it is":             {func(*Config) {}, true},
		"localhost":            {func(c *Config) { c.Listen = "localhost:0" }, true},
		"IPv6 loopback":        {func(c *Config) { c.Listen = "[::1]:4566" }, true},
		"any address":          {func(c *Config) { c.Listen = "0.0.0.0:4566" }, false},
		"no host":              {func(c *Config) { c.Listen = ":4566" }, false},
		"any address, enforce": {func(c *Config) { c.Listen, c.Enforce = "0.0.0.0:4566", true }, true},
		"no port":              {func(c *Config) { c.Listen = "127.0.0.1" }, false},
		"account":              {func(c *Config) { c.Account = "1" }, false},
		"region":               {func(c *Config) { c.Region = "moon" }, false},
		"no time":              {func(c *Config) { c.TimeScale = 0 }, false},
		"not a number":         {func(c *Config) { c.TimeScale = math.NaN() }, false},
	} {
		config := good
		c.change(&config)
		if err := config.check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
