package ecs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
)

func TestTaskDefinitionDefaults(t *testing.T) {
	b := prepared(t)
	out, err := b.DescribeTaskDefinition(b.ctx, &ecsapi.DescribeTaskDefinitionInput{TaskDefinition: new("web"), Include: []string{"TAGS"}})
	must(t, err)
	d := out.TaskDefinition
	c := d.ContainerDefinitions[0]
	p := c.PortMappings[0]
	switch {
	case *d.TaskDefinitionArn != "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", *d.Revision != 1, *d.Status != "ACTIVE":
		t.Fatalf("%+v", d)
	case *c.Cpu != 0, !*c.Essential, c.Environment == nil, c.MountPoints == nil, c.VolumesFrom == nil, c.SystemControls == nil:
		t.Fatalf("container %+v", c)
	case *p.HostPort != 8080, *p.Protocol != "tcp":
		t.Fatalf("port %+v", p)
	case d.Volumes == nil, d.PlacementConstraints == nil, !slices.Contains(d.Compatibilities, "FARGATE"), d.RegisteredAt == nil, d.RegisteredBy == nil:
		t.Fatalf("%+v", d)
	case out.Tags == nil:
		t.Fatal("tags were asked for")
	}
	if len(d.RequiresAttributes) == 0 {
		t.Fatal("no attributes")
	}
}

func TestTaskDefinitionRevisions(t *testing.T) {
	b := prepared(t)
	for range 11 {
		_, err := b.RegisterTaskDefinition(b.ctx, webDefinition())
		must(t, err)
	}
	describe := func(ref string) string {
		out, err := b.DescribeTaskDefinition(b.ctx, &ecsapi.DescribeTaskDefinitionInput{TaskDefinition: &ref})
		must(t, err)
		return fmt.Sprintf("%s:%d", *out.TaskDefinition.Family, *out.TaskDefinition.Revision)
	}
	if got := describe("web"); got != "web:12" {
		t.Fatalf("newest is %s", got)
	}
	for _, ref := range []string{"web:+12", "web:012"} {
		_, err := b.DescribeTaskDefinition(b.ctx, &ecsapi.DescribeTaskDefinitionInput{TaskDefinition: &ref})
		refused(t, err, ecsapi.ErrClientException, "Unable to describe task definition.")
	}
	for _, rev := range []int{12, 11} {
		_, err := b.DeregisterTaskDefinition(b.ctx, &ecsapi.DeregisterTaskDefinitionInput{TaskDefinition: new(fmt.Sprintf("web:%d", rev))})
		must(t, err)
	}
	if got := describe("web"); got != "web:10" {
		t.Fatalf("newest ACTIVE is %s", got)
	}
	if got := describe("arn:aws:ecs:us-east-1:000000000000:task-definition/web:12"); got != "web:12" {
		t.Fatal(got)
	}
	list, err := b.ListTaskDefinitions(b.ctx, &ecsapi.ListTaskDefinitionsInput{FamilyPrefix: new("web"), Sort: new("DESC"), MaxResults: new(int32(2))})
	must(t, err)
	if len(list.TaskDefinitionArns) != 2 || list.TaskDefinitionArns[0] != "arn:aws:ecs:us-east-1:000000000000:task-definition/web:10" || list.NextToken == nil {
		t.Fatalf("%+v", list)
	}
	_, err = b.DeregisterTaskDefinition(b.ctx, &ecsapi.DeregisterTaskDefinitionInput{TaskDefinition: new("web")})
	refused(t, err, ecsapi.ErrClientException, "Revision is missing.")

	deleted, err := b.DeleteTaskDefinitions(b.ctx, &ecsapi.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"web:12", "web:10"}})
	must(t, err)
	if len(deleted.TaskDefinitions) != 1 || *deleted.TaskDefinitions[0].Status != "DELETE_IN_PROGRESS" || len(deleted.Failures) != 1 {
		t.Fatalf("%+v", deleted)
	}
	_, err = b.DescribeTaskDefinition(b.ctx, &ecsapi.DescribeTaskDefinitionInput{TaskDefinition: new("web:12")})
	refused(t, err, ecsapi.ErrClientException, "Unable to describe task definition.")
	out, err := b.RegisterTaskDefinition(b.ctx, webDefinition())
	must(t, err)
	if *out.TaskDefinition.Revision != 13 {
		t.Fatalf("revision %d: numbers are not used twice", *out.TaskDefinition.Revision)
	}
	families, err := b.ListTaskDefinitionFamilies(b.ctx, &ecsapi.ListTaskDefinitionFamiliesInput{Status: new("ACTIVE")})
	must(t, err)
	if !slices.Equal(families.Families, []string{"web"}) {
		t.Fatalf("%v", families.Families)
	}
}

func TestTaskDefinitionRefusals(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		change  func(*ecsapi.RegisterTaskDefinitionInput)
		class   error
		message string
	}{
		"size": {func(in *ecsapi.RegisterTaskDefinitionInput) { in.Memory = new("100") }, ecsapi.ErrClientException, ""},
		"secrets": {func(in *ecsapi.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].Secrets = []ecsapi.Secret{{Name: new("A"), ValueFrom: new("x")}}
		}, notImplemented, "secrets"},
		"long": {func(in *ecsapi.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].Environment = []ecsapi.KeyValuePair{{Name: new("A"), Value: new(strings.Repeat("x", 64<<10))}}
		}, ecsapi.ErrClientException, "Max allowed length is '65536' bytes."},
		"another account's role": {func(in *ecsapi.RegisterTaskDefinitionInput) {
			in.TaskRoleArn = new("arn:aws:iam::111111111111:role/theirs")
		}, ecsapi.ErrClientException, "Role is not valid"},
		"no role": {func(in *ecsapi.RegisterTaskDefinitionInput) {
			in.ExecutionRoleArn = new("arn:aws:iam::000000000000:user/me")
		}, ecsapi.ErrClientException, "Role is not valid"},
		"tags": {func(in *ecsapi.RegisterTaskDefinitionInput) { in.Tags = []ecsapi.Tag{{Key: new("aws:x")}} }, ecsapi.ErrInvalidParameterException, "aws:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.RegisterTaskDefinition(b.ctx, edit(webDefinition(), c.change))
			refused(t, err, c.class, c.message)
		})
	}
}
