package gateway

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ecssdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestBotocore lets the real Python SDK speak to the gateway.
func TestBotocore(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: ", err)
	}
	out, err := exec.Command("python3", "testdata/roundtrip.py", serve(t, nil)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestGoSDK lets the Go SDK speak to the gateway: it is what Terraform is made of.
func TestGoSDK(t *testing.T) {
	ctx := t.Context()
	config, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithRegion("eu-west-1"), awsconfig.WithBaseEndpoint(serve(t, nil)),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil {
		t.Fatal(err)
	}
	client := ecssdk.NewFromConfig(config)
	made, err := client.RegisterTaskDefinition(ctx, &ecssdk.RegisterTaskDefinitionInput{
		Family: new("web"), Volumes: []types.Volume{{Name: new("v")}},
		ContainerDefinitions: []types.ContainerDefinition{{Name: new("app"), Environment: []types.KeyValuePair{{Name: new("A"), Value: new("")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := made.TaskDefinition
	if !got.RegisteredAt.Equal(created) || *got.Volumes[0].Name != "v" || *got.ContainerDefinitions[0].Environment[0].Value != "" {
		t.Errorf("got %+v", got)
	}
	_, err = client.DeleteCluster(ctx, &ecssdk.DeleteClusterInput{Cluster: new("x")})
	if notFound, ok := errors.AsType[*types.ClusterNotFoundException](err); !ok || notFound.ErrorMessage() != "Cluster not found." {
		t.Errorf("got %v", err)
	}
	var clusters []string
	for p := ecssdk.NewListClustersPaginator(client, &ecssdk.ListClustersInput{}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		clusters = append(clusters, page.ClusterArns...)
	}
	if !slices.Equal(clusters, []string{"a", "b", "c"}) {
		t.Errorf("paged %v", clusters)
	}
}
