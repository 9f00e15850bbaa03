package ecs

import (
	"testing"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
)

func TestCluster(t *testing.T) {
	b := newBench(t)
	created, err := b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{})
	must(t, err)
	if got := *created.Cluster.ClusterArn; got != "arn:aws:ecs:us-east-1:000000000000:cluster/default" {
		t.Fatalf("arn %s", got)
	}
	if s := created.Cluster.Settings; len(s) != 1 || *s[0].Value != "disabled" {
		t.Fatalf("settings %+v", s)
	}
	_, err = b.UpdateClusterSettings(b.ctx, &ecsapi.UpdateClusterSettingsInput{
		Cluster:  new("default"),
		Settings: []ecsapi.ClusterSetting{{Name: new("containerInsights"), Value: new("enabled")}},
	})
	must(t, err)
	out, err := b.DescribeClusters(b.ctx, &ecsapi.DescribeClustersInput{Clusters: []string{"default", "nowhere"}, Include: []string{"SETTINGS", "STATISTICS"}})
	must(t, err)
	if len(out.Clusters) != 1 || *out.Clusters[0].Settings[0].Value != "enabled" || len(out.Clusters[0].Statistics) != 12 {
		t.Fatalf("clusters %+v", out.Clusters)
	}
	if len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" || *out.Failures[0].Arn != "arn:aws:ecs:us-east-1:000000000000:cluster/nowhere" {
		t.Fatalf("failures %+v", out.Failures)
	}
	deleted, err := b.DeleteCluster(b.ctx, &ecsapi.DeleteClusterInput{Cluster: created.Cluster.ClusterArn})
	must(t, err)
	if *deleted.Cluster.Status != "INACTIVE" {
		t.Fatalf("status %s", *deleted.Cluster.Status)
	}
	list, err := b.ListClusters(b.ctx, &ecsapi.ListClustersInput{})
	must(t, err)
	if len(list.ClusterArns) != 0 {
		t.Fatalf("listed %v", list.ClusterArns)
	}
	_, err = b.ListTasks(b.ctx, &ecsapi.ListTasksInput{})
	refused(t, err, ecsapi.ErrClusterNotFoundException, "The referenced cluster was inactive.")
	again, err := b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{})
	must(t, err)
	if *again.Cluster.Status != "ACTIVE" {
		t.Fatalf("status %s", *again.Cluster.Status)
	}
}

func TestClusterRefusals(t *testing.T) {
	b := prepared(t)
	_, err := b.DeleteCluster(b.ctx, &ecsapi.DeleteClusterInput{Cluster: new("nowhere")})
	refused(t, err, ecsapi.ErrClusterNotFoundException, "Cluster not found.")
	_, err = b.CreateService(b.ctx, webService())
	must(t, err)
	_, err = b.DeleteCluster(b.ctx, &ecsapi.DeleteClusterInput{Cluster: new("main")})
	refused(t, err, ecsapi.ErrClusterContainsServicesException, "The Cluster cannot be deleted while Services are active.")
	_, err = b.PutClusterCapacityProviders(b.ctx, &ecsapi.PutClusterCapacityProvidersInput{
		Cluster: new("main"), CapacityProviders: []string{"FARGATE"},
		DefaultCapacityProviderStrategy: []ecsapi.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE_SPOT"), Weight: new(int32(1))}},
	})
	refused(t, err, ecsapi.ErrInvalidParameterException, "not associated with the cluster")
	_, err = b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{ClusterName: new("x"), CapacityProviders: []string{"mine"}})
	refused(t, err, ecsapi.ErrInvalidParameterException, "was not found")
	_, err = b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{ClusterName: new("x"), ServiceConnectDefaults: &ecsapi.ClusterServiceConnectDefaultsRequest{Namespace: new("n")}})
	refused(t, err, notImplemented, "serviceConnectDefaults")
}

func TestCapacityProviders(t *testing.T) {
	b := newBench(t)
	out, err := b.DescribeCapacityProviders(b.ctx, &ecsapi.DescribeCapacityProvidersInput{})
	must(t, err)
	if len(out.CapacityProviders) != 2 || *out.CapacityProviders[1].CapacityProviderArn != "arn:aws:ecs:us-east-1:000000000000:capacity-provider/FARGATE_SPOT" {
		t.Fatalf("%+v", out.CapacityProviders)
	}
	out, err = b.DescribeCapacityProviders(b.ctx, &ecsapi.DescribeCapacityProvidersInput{CapacityProviders: []string{"mine"}})
	must(t, err)
	if len(out.Failures) != 1 {
		t.Fatalf("%+v", out)
	}
}

func TestAccountSettings(t *testing.T) {
	b := newBench(t)
	_, err := b.PutAccountSettingDefault(b.ctx, &ecsapi.PutAccountSettingDefaultInput{Name: new("containerInsights"), Value: new("enhanced")})
	must(t, err)
	c, err := b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{ClusterName: new("c")})
	must(t, err)
	if got := *c.Cluster.Settings[0].Value; got != "enhanced" {
		t.Fatalf("containerInsights %s", got)
	}
	_, err = b.PutAccountSetting(b.ctx, &ecsapi.PutAccountSettingInput{Name: new("containerInsights"), Value: new("disabled")})
	must(t, err)
	out, err := b.ListAccountSettings(b.ctx, &ecsapi.ListAccountSettingsInput{Name: new("containerInsights"), EffectiveSettings: new(true)})
	must(t, err)
	if len(out.Settings) != 1 || *out.Settings[0].Value != "disabled" {
		t.Fatalf("%+v", out.Settings)
	}
	gone, err := b.DeleteAccountSetting(b.ctx, &ecsapi.DeleteAccountSettingInput{Name: new("containerInsights")})
	must(t, err)
	if *gone.Setting.Value != "enhanced" {
		t.Fatalf("%+v", gone.Setting)
	}
	_, err = b.PutAccountSetting(b.ctx, &ecsapi.PutAccountSettingInput{Name: new("taskLongArnFormat"), Value: new("disabled")})
	refused(t, err, notImplemented, "taskLongArnFormat=disabled")
	_, err = b.PutAccountSetting(b.ctx, &ecsapi.PutAccountSettingInput{Name: new("awsvpcTrunking"), Value: new("perhaps")})
	refused(t, err, ecsapi.ErrInvalidParameterException, "awsvpcTrunking")
}
