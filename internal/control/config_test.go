package control

import (
	"math"
	"testing"
)

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
