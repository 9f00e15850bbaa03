package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	iamapi "github.com/neargate/neargate/internal/api/iam"
	logsapi "github.com/neargate/neargate/internal/api/logs"
	stsapi "github.com/neargate/neargate/internal/api/sts"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
)

// front answers with what it was asked, so that a client can check the way there and back.
type front struct{}

var created = time.Date(2026, 8, 1, 12, 30, 15, 250_000_000, time.UTC)

func (f front) Operations() []aws.Binding {
	return []aws.Binding{
		ecsapi.CreateCluster.Bind(f.createCluster),
		ecsapi.DeleteCluster.Bind(f.deleteCluster),
		ecsapi.ListClusters.Bind(f.listClusters),
		ecsapi.RegisterTaskDefinition.Bind(f.registerTaskDefinition),
		ecsapi.RunTask.Bind(f.runTask),
		ec2api.CreateVpc.Bind(f.createVpc),
		ec2api.DeleteVpc.Bind(f.deleteVpc),
		ec2api.DescribeVpcs.Bind(f.describeVpcs),
		ec2api.AuthorizeSecurityGroupIngress.Bind(f.authorizeIngress),
		ecrapi.CreateRepository.Bind(f.createRepository),
		ecrapi.UploadLayerPart.Bind(f.uploadLayerPart),
		elbv2api.CreateRule.Bind(f.createRule),
		elbv2api.DescribeLoadBalancers.Bind(f.describeLoadBalancers),
		iamapi.CreateRole.Bind(f.createRole),
		iamapi.DeleteRole.Bind(f.deleteRole),
		logsapi.PutLogEvents.Bind(f.putLogEvents),
		logsapi.StartLiveTail.Bind(f.startLiveTail),
		stsapi.GetCallerIdentity.Bind(f.getCallerIdentity),
		stsapi.AssumeRoleWithWebIdentity.Bind(f.assumeRoleWithWebIdentity),
	}
}

func (front) createCluster(ctx context.Context, in *ecsapi.CreateClusterInput) (*ecsapi.CreateClusterOutput, error) {
	call := aws.From(ctx)
	return &ecsapi.CreateClusterOutput{Cluster: &ecsapi.Cluster{
		ClusterName: in.ClusterName, ClusterArn: new(arn.New("ecs", call.Region, call.Account, "cluster/"+aws.Val(in.ClusterName))),
		Tags: in.Tags, Settings: in.Settings, Status: new("ACTIVE"), CapacityProviders: in.CapacityProviders,
	}}, nil
}

func (front) deleteCluster(_ context.Context, in *ecsapi.DeleteClusterInput) (*ecsapi.DeleteClusterOutput, error) {
	switch *in.Cluster {
	case "panic":
		panic("as asked")
	case "conflict":
		return nil, ecsapi.ErrClusterContainsServicesException.New("The Cluster cannot be deleted while Services are active.").With("resourceIds", []string{"a", "b"})
	case "broken":
		return nil, io.ErrUnexpectedEOF
	}
	return nil, ecsapi.ErrClusterNotFoundException.New("Cluster not found.")
}

func (front) listClusters(_ context.Context, in *ecsapi.ListClustersInput) (*ecsapi.ListClustersOutput, error) {
	arns, next, err := page.Of([]string{"a", "b", "c"}, func(s string) string { return s }, in.NextToken, int(aws.Val(in.MaxResults)), 2, 100)
	return &ecsapi.ListClustersOutput{ClusterArns: arns, NextToken: next}, err
}

func (front) registerTaskDefinition(_ context.Context, in *ecsapi.RegisterTaskDefinitionInput) (*ecsapi.RegisterTaskDefinitionOutput, error) {
	return &ecsapi.RegisterTaskDefinitionOutput{TaskDefinition: &ecsapi.TaskDefinition{
		Family: in.Family, ContainerDefinitions: in.ContainerDefinitions, Cpu: in.Cpu, Memory: in.Memory, RegisteredAt: &created,
		RequiresCompatibilities: in.RequiresCompatibilities, NetworkMode: in.NetworkMode, Revision: new(int32(1)), Volumes: in.Volumes,
	}, Tags: in.Tags}, nil
}

func (front) runTask(_ context.Context, in *ecsapi.RunTaskInput) (*ecsapi.RunTaskOutput, error) {
	return &ecsapi.RunTaskOutput{Tasks: []ecsapi.Task{{LaunchType: in.LaunchType, CreatedAt: &created}}, Failures: []ecsapi.Failure{}}, nil
}

func (front) createVpc(_ context.Context, in *ec2api.CreateVpcInput) (*ec2api.CreateVpcOutput, error) {
	out := &ec2api.CreateVpcOutput{Vpc: &ec2api.Vpc{VpcId: new("vpc-0123456789abcdef0"), CidrBlock: in.CidrBlock, IsDefault: new(false)}}
	for _, s := range in.TagSpecifications {
		out.Vpc.Tags = append(out.Vpc.Tags, s.Tags...)
	}
	return out, nil
}

func (front) deleteVpc(_ context.Context, in *ec2api.DeleteVpcInput) (*ec2api.DeleteVpcOutput, error) {
	return nil, nil
}

func (front) describeVpcs(_ context.Context, in *ec2api.DescribeVpcsInput) (*ec2api.DescribeVpcsOutput, error) {
	out := &ec2api.DescribeVpcsOutput{Vpcs: []ec2api.Vpc{}}
	for _, id := range in.VpcIds {
		out.Vpcs = append(out.Vpcs, ec2api.Vpc{VpcId: new(id)})
	}
	for _, f := range in.Filters {
		for _, v := range f.Values {
			out.Vpcs = append(out.Vpcs, ec2api.Vpc{VpcId: new(*f.Name + "=" + v)})
		}
	}
	return out, nil
}

func (front) authorizeIngress(_ context.Context, in *ec2api.AuthorizeSecurityGroupIngressInput) (*ec2api.AuthorizeSecurityGroupIngressOutput, error) {
	out := &ec2api.AuthorizeSecurityGroupIngressOutput{Return: new(true)}
	for _, p := range in.IpPermissions {
		for _, r := range p.IpRanges {
			out.SecurityGroupRules = append(out.SecurityGroupRules, ec2api.SecurityGroupRule{
				GroupId: in.GroupId, IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort, CidrIpv4: r.CidrIp, Description: r.Description,
			})
		}
	}
	return out, nil
}

func (front) createRepository(_ context.Context, in *ecrapi.CreateRepositoryInput) (*ecrapi.CreateRepositoryOutput, error) {
	return &ecrapi.CreateRepositoryOutput{Repository: &ecrapi.Repository{RepositoryName: in.RepositoryName, CreatedAt: &created}}, nil
}

func (front) uploadLayerPart(_ context.Context, in *ecrapi.UploadLayerPartInput) (*ecrapi.UploadLayerPartOutput, error) {
	return &ecrapi.UploadLayerPartOutput{LastByteReceived: new(int64(len(in.LayerPartBlob)) - 1)}, nil
}

func (front) createRule(_ context.Context, in *elbv2api.CreateRuleInput) (*elbv2api.CreateRuleOutput, error) {
	return &elbv2api.CreateRuleOutput{Rules: []elbv2api.Rule{{Actions: in.Actions, Conditions: in.Conditions, Priority: new("1")}}}, nil
}

func (front) describeLoadBalancers(_ context.Context, in *elbv2api.DescribeLoadBalancersInput) (*elbv2api.DescribeLoadBalancersOutput, error) {
	return nil, elbv2api.ErrLoadBalancerNotFoundException.New("Load balancers '[%s]' not found", in.Names[0])
}

func (front) createRole(_ context.Context, in *iamapi.CreateRoleInput) (*iamapi.CreateRoleOutput, error) {
	return &iamapi.CreateRoleOutput{Role: &iamapi.Role{
		RoleName: in.RoleName, Path: new("/"), RoleId: new("AROA"), Arn: new("arn:aws:iam::000000000000:role/x"), CreateDate: &created,
		Description: in.Description, Tags: in.Tags, MaxSessionDuration: in.MaxSessionDuration,
	}}, nil
}

func (front) deleteRole(_ context.Context, in *iamapi.DeleteRoleInput) (*iamapi.DeleteRoleOutput, error) {
	return nil, iamapi.ErrNoSuchEntityException.New("The role with name %s cannot be found.", *in.RoleName)
}

func (front) putLogEvents(_ context.Context, in *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
	return &logsapi.PutLogEventsOutput{NextSequenceToken: in.LogEvents[0].Message}, nil
}

func (front) startLiveTail(_ context.Context, in *logsapi.StartLiveTailInput) (*logsapi.StartLiveTailOutput, error) {
	failure := awserr.New("SessionTimeoutException", 400, "over")
	if in.LogEventFilterPattern != nil {
		failure = awserr.New("Whatever", 500, "else")
	}
	return &logsapi.StartLiveTailOutput{ResponseStream: func(yield func(*logsapi.StartLiveTailResponseStream, error) bool) {
		if !yield(&logsapi.StartLiveTailResponseStream{SessionStart: &logsapi.LiveTailSessionStart{LogGroupIdentifiers: in.LogGroupIdentifiers}}, nil) {
			return
		}
		if !yield(&logsapi.StartLiveTailResponseStream{SessionUpdate: &logsapi.LiveTailSessionUpdate{
			SessionResults: []logsapi.LiveTailSessionLogEvent{{Message: new("hällo\n"), Timestamp: new(created.UnixMilli())}},
		}}, nil) {
			return
		}
		yield(nil, failure)
	}}, nil
}

func (front) getCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityInput) (*stsapi.GetCallerIdentityOutput, error) {
	call := aws.From(ctx)
	return &stsapi.GetCallerIdentityOutput{Account: &call.Account, Arn: &call.Principal, UserId: &call.Region}, nil
}

func (front) assumeRoleWithWebIdentity(context.Context, *stsapi.AssumeRoleWithWebIdentityInput) (*stsapi.AssumeRoleWithWebIdentityOutput, error) {
	return nil, nil
}

// serve starts a gateway with the front and returns its address.
func serve(t testing.TB, change func(*Config)) string {
	t.Helper()
	c := Config{Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	s := httptest.NewServer(Handler(c, front{}))
	t.Cleanup(s.Close)
	return s.URL
}
