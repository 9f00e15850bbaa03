package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestTasks runs one task per behaviour through the public API and looks at how it ended.
func TestTasks(t *testing.T) {
	p := start(t)
	p.load(built.probe, "test/probe:latest")
	w := p.build("10.0")
	placed := w.placement(w.public)

	with := func(c types.ContainerDefinition, change func(*types.ContainerDefinition)) types.ContainerDefinition {
		change(&c)
		return c
	}
	after := func(name string, condition types.ContainerCondition) func(*types.ContainerDefinition) {
		return func(c *types.ContainerDefinition) {
			c.DependsOn = []types.ContainerDependency{{ContainerName: &name, Condition: condition}}
		}
	}
	sidecar := func(c *types.ContainerDefinition) { c.Essential = aws.Bool(false) }
	shared := func(path string, readonly bool) func(*types.ContainerDefinition) {
		return func(c *types.ContainerDefinition) {
			c.Essential, c.User = aws.Bool(path == "/in"), aws.String("0") // volumes belong to root
			c.MountPoints = []types.MountPoint{{SourceVolume: aws.String("shared"), ContainerPath: &path, ReadOnly: &readonly}}
		}
	}
	again := func(c *types.ContainerDefinition) {
		c.Essential = aws.Bool(false)
		c.RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(60)}
	}
	p.json("logs", "CreateLogGroup", map[string]any{"logGroupName": "/patient"}, nil)
	logged := func(c *types.ContainerDefinition) {
		again(c)
		c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": "/patient", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
		}}
	}
	restarting := w.runTask(w.defineWith(&ecs.RegisterTaskDefinitionInput{
		Family: aws.String("restarting"), ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/execution"),
		ContainerDefinitions: []types.ContainerDefinition{
			probe("main", "sleep"), with(probe("hasty", "exit", "1"), again),
			with(probe("patient", "print", "begin", ",", "after", "61s", ",", "exit", "1"), logged),
		},
	}), placed)

	for _, tt := range []struct {
		name    string
		define  ecs.RegisterTaskDefinitionInput
		stop    types.TaskStopCode
		reason  string
		exits   map[string]int32
		reasons map[string]string
	}{
		{
			name:   "the essential container's exit ends the others",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{probe("main", "exit", "7"), with(probe("side", "sleep"), sidecar)}},
			stop:   types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 7, "side": 143},
		},
		{
			name: "memory beyond the limit",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "alloc", "200", ",", "sleep"), func(c *types.ContainerDefinition) { c.Memory = aws.Int32(64) }),
			}},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 137}, reasons: map[string]string{"main": "OutOfMemoryError: Container killed due to memory usage"},
		},
		{
			name: "an image that nobody has",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "sleep"), func(c *types.ContainerDefinition) {
					c.Image = aws.String("000000000000.dkr.ecr.us-east-1.amazonaws.com/nobody/nothing:v1")
				}),
			}},
			stop: types.TaskStopCodeTaskFailedToStart, reason: "CannotPullContainerError: ",
		},
		{
			name: "a program that is not there",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main"), func(c *types.ContainerDefinition) { c.EntryPoint = []string{"/nothing"} }),
			}},
			stop: types.TaskStopCodeTaskFailedToStart, reason: "CannotStartContainerError: ",
		},
		{
			name: "order by conditions",
			define: ecs.RegisterTaskDefinitionInput{
				Volumes: []types.Volume{{Name: aws.String("shared")}},
				ContainerDefinitions: []types.ContainerDefinition{
					with(with(probe("main", "read", "/in/word"), after("seed", types.ContainerConditionSuccess)), shared("/in", true)),
					with(probe("seed", "after", "300ms", ",", "write", "/out/word", "hello"), shared("/out", false)),
				},
			},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 0, "seed": 0},
		},
		{
			name: "a volume mounted read-only",
			define: ecs.RegisterTaskDefinitionInput{
				Volumes: []types.Volume{{Name: aws.String("shared")}},
				ContainerDefinitions: []types.ContainerDefinition{
					with(probe("main", "write", "/in/word", "x"), shared("/in", true)),
				},
			},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 99},
		},
		{
			name: "dependsOn HEALTHY",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "exit", "5"), after("base", types.ContainerConditionHealthy)),
				with(probe("base", "after", "1s", ",", "write", "/tmp/ready", "yes", ",", "sleep"), func(c *types.ContainerDefinition) {
					c.Essential = aws.Bool(false)
					c.HealthCheck = &types.HealthCheck{Command: []string{"CMD", "/app", "read", "/tmp/ready"}, Interval: aws.Int32(5), StartPeriod: aws.Int32(10)}
				}),
			}},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 5, "base": 143},
		},
		{
			name: "a dependency that fails",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "exit", "0"), after("seed", types.ContainerConditionSuccess)), with(probe("seed", "exit", "3"), sidecar),
			}},
			stop:  types.TaskStopCodeTaskFailedToStart,
			exits: map[string]int32{"seed": 3},
		},
		{
			name: "a read-only root file system",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "write", "/word", "x"), func(c *types.ContainerDefinition) {
					c.ReadonlyRootFilesystem, c.User = aws.Bool(true), aws.String("0")
				}),
			}},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 99},
		},
		{
			name: "the root file system without that",
			define: ecs.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{
				with(probe("main", "write", "/word", "x"), func(c *types.ContainerDefinition) { c.User = aws.String("0") }),
			}},
			stop: types.TaskStopCodeEssentialContainerExited, reason: "Essential container in task exited",
			exits: map[string]int32{"main": 0},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := w.in(t)
			tt.define.Family = aws.String(strings.NewReplacer(" ", "-", "'", "").Replace(tt.name))
			arn := w.runTask(w.defineWith(&tt.define), placed)
			var task types.Task
			w.eventually(patience, "task is stopped", func() error {
				task = w.describe(arn)[0]
				if *task.LastStatus != "STOPPED" {
					return errorString(*task.LastStatus)
				}
				return nil
			})
			if task.StopCode != tt.stop || !strings.HasPrefix(aws.ToString(task.StoppedReason), tt.reason) {
				t.Errorf("stopped: %s %q, want %s %q", task.StopCode, aws.ToString(task.StoppedReason), tt.stop, tt.reason)
			}
			for name, code := range tt.exits {
				if c := container(task, name); c.ExitCode == nil || *c.ExitCode != code {
					t.Errorf("container %s: exit code %v, want %d; %s", name, c.ExitCode, code, reasons(task))
				}
			}
			for name, reason := range tt.reasons {
				if c := container(task, name); !strings.HasPrefix(aws.ToString(c.Reason), reason) {
					t.Errorf("container %s: reason %q, want %q", name, aws.ToString(c.Reason), reason)
				}
			}
		})
	}

	t.Run("stopTimeout ends in a kill", func(t *testing.T) {
		w := w.in(t)
		c := probe("main", "stubborn")
		c.StopTimeout = aws.Int32(2)
		arn := w.runTask(w.define("stubborn", c), placed)
		w.reaches(arn, "RUNNING")
		w.eventually(patience, "it ignores signals", func() error {
			if said := p.neargate("logs", id(arn)); !strings.Contains(said, "ready") {
				return errorString(said)
			}
			return nil
		})
		begin := time.Now()
		if _, err := w.ecs.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: &w.cluster, Task: &arn, Reason: aws.String("enough")}); err != nil {
			t.Fatal(err)
		}
		task := w.reaches(arn, "STOPPED")
		took := time.Since(begin)
		// Without a stopTimeout of its own it would have had 30 s.
		if code := container(task, "main").ExitCode; code == nil || *code != 137 || took < 2*time.Second || took > 25*time.Second {
			t.Errorf("exit %s after %v", reasons(task), took)
		}
		if task.StopCode != types.TaskStopCodeUserInitiated || aws.ToString(task.StoppedReason) != "enough" {
			t.Errorf("stopped: %s %q", task.StopCode, aws.ToString(task.StoppedReason))
		}
	})

	t.Run("restartPolicy", func(t *testing.T) {
		w := w.in(t)
		// One that ends before it has run for the attempt period is not restarted: its exit stands.
		task := w.describe(restarting)[0]
		if c := container(task, "hasty"); c.ExitCode == nil || *c.ExitCode != 1 || *task.LastStatus != "RUNNING" {
			t.Errorf("task %s, hasty container: %+v", *task.LastStatus, c)
		}
		w.eventually(steadyIn, "the patient container is restarted", func() error {
			var found struct{ Events []struct{ Message string } }
			p.json("logs", "FilterLogEvents", map[string]any{"logGroupName": "/patient", "filterPattern": "begin"}, &found)
			if len(found.Events) < 2 {
				return fmt.Errorf("its logs are %v", found.Events)
			}
			return nil
		})
		if s := *w.describe(restarting)[0].LastStatus; s != "RUNNING" {
			t.Errorf("the task of a restarted container is %s", s)
		}
	})
}

type errorString string

func (e errorString) Error() string { return string(e) }

// TestUnhealthyTaskIsReplaced: a service replaces a task whose container's health check fails.
func TestUnhealthyTaskIsReplaced(t *testing.T) {
	p := start(t)
	p.load(built.probe, "test/probe:latest")
	w := p.build("10.0")
	c := probe("main", "write", "/tmp/well", "yes", ",", "sleep")
	c.HealthCheck = &types.HealthCheck{Command: []string{"CMD", "/app", "read", "/tmp/well"}, Interval: aws.Int32(5), Retries: aws.Int32(1)}
	definition := w.define("checked", c)
	_, err := w.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: &w.cluster, ServiceName: aws.String("checked"), TaskDefinition: &definition, DesiredCount: aws.Int32(1),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: w.placement(w.private),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.steady("checked")
	list := func(status types.DesiredStatus) []string {
		out, err := w.ecs.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: &w.cluster, ServiceName: aws.String("checked"), DesiredStatus: status})
		if err != nil {
			t.Fatal(err)
		}
		return out.TaskArns
	}
	first := list(types.DesiredStatusRunning)[0]
	w.eventually(patience, "task is healthy", func() error {
		if s := w.describe(first)[0].HealthStatus; s != types.HealthStatusHealthy {
			return errorString(s)
		}
		return nil
	})
	// What the check reads is taken away.
	if out, err := p.exec(id(first), "/app", "remove", "/tmp/well"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	task := w.reaches(first, "STOPPED")
	if reason := aws.ToString(task.StoppedReason); reason != "Task failed container health checks" || task.StopCode != types.TaskStopCodeServiceSchedulerInitiated {
		t.Errorf("stopped: %s %q", task.StopCode, reason)
	}
	w.steady("checked")
	if now := list(types.DesiredStatusRunning); len(now) != 1 || now[0] == first {
		t.Errorf("tasks now: %v, before %s", now, first)
	}
}
