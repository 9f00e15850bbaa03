package task

import (
	"net/netip"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestSpec(t *testing.T) {
	d := valid()
	app := &d.Containers[0]
	app.Environment = []KeyValue{{"AWS_REGION", "mine"}, {"PORT", "80"}}
	app.DockerLabels = map[string]string{"team": "web"}
	app.VolumesFrom = []VolumeFrom{{Container: "log", ReadOnly: true}}
	app.SystemControls = []KeyValue{{"net.core.somaxconn", "4096"}}
	d.Volumes = append(d.Volumes, Volume{Name: "logs"})
	d.Containers[2].MountPoints = []MountPoint{{SourceVolume: "logs", Path: "/var/log"}, {SourceVolume: "logs", Path: "/data"}}
	s := RunSpec{Account: "000000000000", Region: "eu-west-1", ClusterName: "c", ClusterARN: "arn:c", Definition: d}
	x := s.task(d, time.Unix(0, 0))
	x.Attachment.PrivateDNSName = "ip-10-0-0-5.ec2.internal"

	got := x.spec(d, app, &x.Containers[0])
	if !regexp.MustCompile(`^[0-9a-f]{32}-[0-9]{10}$`).MatchString(got.ID) {
		t.Errorf("id %q", got.ID)
	}
	for _, env := range []string{"AWS_REGION=mine", "AWS_DEFAULT_REGION=eu-west-1", "PORT=80", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE"} {
		if !slices.Contains(got.Env, env) {
			t.Errorf("no %s in %v", env, got.Env)
		}
	}
	want := []Mount{{Volume: "data", Path: "/data"}, {Volume: "logs", Path: "/var/log", ReadOnly: true}}
	if !slices.Equal(got.Mounts, want) {
		t.Errorf("mounts %+v, want %+v", got.Mounts, want)
	}
	if got.Labels["team"] != "web" || got.Labels["com.amazonaws.ecs.container-name"] != "app" || got.Sysctls["net.core.somaxconn"] != "4096" {
		t.Errorf("%+v", got)
	}
	if got.Log.Group != "g" || got.Log.Stream != "p/app/"+x.ID || got.Log.Region != "us-east-1" || got.Log.Account != x.Account {
		t.Errorf("log %+v", got.Log)
	}
	box := x.sandbox(d, Place{NetNS: "/ns", DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}})
	if box.CPUUnits != 256 || box.MemoryMiB != 512 || box.DNS[0] != "10.0.0.2" || box.Hostname != "ip-10-0-0-5.ec2.internal" || len(box.Volumes) != 2 {
		t.Errorf("%+v", box)
	}
}

func TestSignalNumber(t *testing.T) {
	for name, want := range map[string]syscall.Signal{"": syscall.SIGTERM, "SIGQUIT": syscall.SIGQUIT, "quit": syscall.SIGQUIT, "3": 3, "SIGNONSENSE": syscall.SIGTERM, "SIGRTMIN+3": 37} {
		if got := signalNumber(name); got != want {
			t.Errorf("signalNumber(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestMultilineStart(t *testing.T) {
	for _, c := range []struct{ format, line string }{
		{"[%b %d, %Y %H:%M:%S]", "[May 01, 2017 19:00:01]"},
		{"%Y-%m-%dT%H:%M:%S", "2026-08-01T12:00:00 hello"},
		{"%Y-%m-%d %H:%M:%S%L", "2026-08-01 12:00:00.123 hello"},
	} {
		pattern, err := multilineStart(map[string]string{"awslogs-datetime-format": c.format})
		if err != nil || !regexp.MustCompile(pattern).MatchString(c.line) || regexp.MustCompile(pattern).MatchString("  at main.go:12") {
			t.Errorf("%q: %q, %v", c.format, pattern, err)
		}
	}
	if _, err := multilineStart(map[string]string{"awslogs-multiline-pattern": "("}); err == nil {
		t.Error("a broken pattern is taken")
	}
}

func TestBufferSize(t *testing.T) {
	for in, want := range map[string]bool{"25m": true, "512KB": true, "1g": true, "100": true, "": false, "m": false, "-1": false, "0": false, "1.5m": false} {
		if bufferSize.MatchString(in) != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
}
