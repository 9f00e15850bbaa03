package demo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Limits of what the demo waits for.
const (
	steadyLimit = 3 * time.Minute
	pollEvery   = 200 * time.Millisecond
)

const ecs = "AmazonEC2ContainerServiceV20141113."

// images pushes the application to ECR under two tags, as a pipeline would.
func (b *builder) images(ctx context.Context) (string, error) {
	var made struct {
		Repository struct {
			RepositoryURI string `json:"repositoryUri"`
		}
	}
	if err := b.json(ctx, "ecr", "AmazonEC2ContainerRegistry_V20150921.CreateRepository", map[string]any{"repositoryName": repository}, &made); err != nil {
		return "", err
	}
	b.repository = made.Repository.RepositoryURI
	var token struct {
		AuthorizationData []struct{ AuthorizationToken string }
	}
	if err := b.json(ctx, "ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", map[string]any{}, &token); err != nil {
		return "", err
	}
	if len(token.AuthorizationData) == 0 {
		return "", errors.New("GetAuthorizationToken answered no token")
	}
	login, err := base64.StdEncoding.DecodeString(token.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		return "", err
	}
	user, password, _ := strings.Cut(string(login), ":")
	img, err := appImage(ctx)
	if err != nil {
		return "", err
	}
	for _, tag := range []string{"v1", "v2"} {
		ref, err := name.ParseReference(b.repository + ":" + tag)
		if err != nil {
			return "", err
		}
		b.screen.say("pushing %s", ref)
		if err := remote.Write(ref, img, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: user, Password: password})); err != nil {
			return "", err
		}
	}
	return b.repository, nil
}

func (b *builder) cluster(ctx context.Context) (string, error) {
	if err := b.json(ctx, "ecs", ecs+"CreateCluster", map[string]any{"clusterName": title}, nil); err != nil {
		return "", err
	}
	return b.define(ctx, "v1")
}

// define registers the task definition of a version and returns its name.
func (b *builder) define(ctx context.Context, version string) (string, error) {
	var out struct {
		TaskDefinition struct {
			Family   string
			Revision int
		}
	}
	err := b.json(ctx, "ecs", ecs+"RegisterTaskDefinition", map[string]any{
		"family": title, "requiresCompatibilities": []string{"FARGATE"}, "networkMode": "awsvpc", "cpu": "256", "memory": "512",
		"executionRoleArn": b.executionRole,
		"containerDefinitions": []any{map[string]any{
			"name": "web", "image": b.repository + ":" + version, "essential": true,
			"portMappings": []any{map[string]any{"containerPort": 8080}},
			"environment":  []any{map[string]any{"name": "VERSION", "value": version}},
			"logConfiguration": map[string]any{"logDriver": "awslogs", "options": map[string]string{
				"awslogs-group": "/ecs/" + title, "awslogs-region": b.region, "awslogs-stream-prefix": "web",
			}},
		}},
	}, &out)
	return fmt.Sprintf("%s:%d", out.TaskDefinition.Family, out.TaskDefinition.Revision), err
}

func (b *builder) service(ctx context.Context) (string, error) {
	err := b.json(ctx, "ecs", ecs+"CreateService", map[string]any{
		"cluster": title, "serviceName": title, "taskDefinition": title, "desiredCount": 2, "launchType": "FARGATE",
		"networkConfiguration": map[string]any{"awsvpcConfiguration": map[string]any{"subnets": b.private, "securityGroups": []string{b.taskGroup}}},
		"loadBalancers":        []any{map[string]any{"targetGroupArn": b.targetGroup, "containerName": "web", "containerPort": 8080}},
	}, nil)
	if err != nil {
		return "", err
	}
	if err := b.steady(ctx); err != nil {
		return "", err
	}
	return "steady, targets healthy", nil
}

// steady waits until the service's only deployment is completed and the load balancer finds its targets healthy.
func (b *builder) steady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, steadyLimit)
	defer cancel()
	last := ""
	for {
		var out struct {
			Services []struct {
				RunningCount int
				Deployments  []struct{ RolloutState string }
				Events       []struct{ Message string }
			}
		}
		if err := b.json(ctx, "ecs", ecs+"DescribeServices", map[string]any{"cluster": title, "services": []string{title}}, &out); err != nil {
			return stuck(ctx, err, last)
		}
		if len(out.Services) != 1 {
			return errors.New("DescribeServices does not know the service")
		}
		s := out.Services[0]
		if len(s.Events) > 0 {
			last = s.Events[0].Message
		}
		healthy, err := b.healthy(ctx)
		if err != nil {
			return stuck(ctx, err, last)
		}
		b.screen.say("%d running, %d healthy", s.RunningCount, healthy)
		if len(s.Deployments) == 1 && s.Deployments[0].RolloutState == "COMPLETED" && healthy >= 2 {
			return nil
		}
		select {
		case <-ctx.Done():
			return stuck(ctx, ctx.Err(), last)
		case <-time.After(pollEvery):
		}
	}
}

func stuck(ctx context.Context, err error, event string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the service is not steady after %s; its last event: %s", steadyLimit, event)
	}
	return err
}

// healthy counts the healthy targets.
func (b *builder) healthy(ctx context.Context) (int, error) {
	answer, err := b.query(ctx, "elasticloadbalancing", "DescribeTargetHealth", params{"TargetGroupArn": b.targetGroup})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, result := range answer.Nodes {
		for _, list := range result.Nodes {
			for _, member := range list.Nodes {
				if state, err := member.at("TargetHealth/State"); err == nil && state == "healthy" {
					n++
				}
			}
		}
	}
	return n, nil
}

// address is one task's network interface.
type address struct{ task, eni, ip, subnet string }

func (b *builder) addresses(ctx context.Context) ([]address, error) {
	var list struct{ TaskArns []string }
	if err := b.json(ctx, "ecs", ecs+"ListTasks", map[string]any{"cluster": title, "serviceName": title}, &list); err != nil {
		return nil, err
	}
	var out struct {
		Tasks []struct {
			TaskArn     string
			Attachments []struct {
				Details []struct{ Name, Value string }
			}
		}
	}
	if err := b.json(ctx, "ecs", ecs+"DescribeTasks", map[string]any{"cluster": title, "tasks": list.TaskArns}, &out); err != nil {
		return nil, err
	}
	var all []address
	for _, t := range out.Tasks {
		a := address{task: t.TaskArn[strings.LastIndexByte(t.TaskArn, '/')+1:]}
		for _, at := range t.Attachments {
			for _, d := range at.Details {
				switch d.Name {
				case "networkInterfaceId":
					a.eni = d.Value
				case "privateIPv4Address":
					a.ip = d.Value
				case "subnetId":
					a.subnet = d.Value
				}
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// update rolls the service over to a task definition.
func (b *builder) update(ctx context.Context, definition string) error {
	return b.json(ctx, "ecs", ecs+"UpdateService", map[string]any{"cluster": title, "service": title, "taskDefinition": definition}, nil)
}
