package ec2

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// fabric does nothing, and knows where namespaces would be.
type fabric struct{ network.Fabric }

func (fabric) EnsureVPC(context.Context, network.VPCConfig) error             { return nil }
func (fabric) EnsureInterface(context.Context, network.InterfaceConfig) error { return nil }
func (fabric) EnsureGroup(context.Context, network.GroupConfig) error         { return nil }
func (fabric) Adopt(context.Context, []string, []string) error                { return nil }
func (fabric) NamespacePath(id string) string                                 { return id }

// front is a service over memory, and a caller of it.
type front struct {
	*Service
	t   testing.TB
	ctx context.Context
}

func open(t testing.TB) *front {
	t.Helper()
	schema := state.NewSchema()
	tables, tokens := network.NewTables(schema), idem.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(t.Context(), network.Config{
		Store: store, Tables: tables, Fabric: fabric{}, Log: slog.New(slog.DiscardHandler), PublicPool: netip.MustParsePrefix("198.18.0.0/24"),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &front{Service: New(store, n, tokens), t: t}
	f.ctx = f.as("111122223333", "us-east-1")
	return f
}

func (f *front) as(account, region string) context.Context {
	return aws.With(context.Background(), &aws.Call{Account: account, Region: region, Service: "ec2", Operation: "Test", Now: time.Now()})
}

// run starts the engine's loops for as long as the test goes on.
func (f *front) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.net.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			f.t.Error(err)
		}
	})
}

// do calls an operation that must succeed.
func do[I, O any](f *front, op func(context.Context, *I) (*O, error), in *I) *O {
	f.t.Helper()
	out, err := op(f.ctx, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// fails calls an operation that must fail with the code and the message.
func fails[I, O any](f *front, op func(context.Context, *I) (*O, error), in *I, code, message string) {
	f.t.Helper()
	_, err := op(f.ctx, in)
	var e *awserr.Error
	if !errors.As(err, &e) {
		f.t.Errorf("error %v, want %s", err, code)
		return
	}
	if e.Code != code || message != "" && e.Message != message {
		f.t.Errorf("%s: %s\nwant %s: %s", e.Code, e.Message, code, message)
	}
}

func (f *front) vpc(cidr string) string {
	f.t.Helper()
	return *do(f, f.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: &cidr}).Vpc.VpcId
}

func (f *front) subnet(vpc, cidr string) string {
	f.t.Helper()
	return *do(f, f.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &vpc, CidrBlock: &cidr}).Subnet.SubnetId
}

func (f *front) group(vpc, name string) string {
	f.t.Helper()
	return *do(f, f.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{VpcId: &vpc, GroupName: &name, Description: &name}).GroupId
}

func (f *front) gateway(vpc string) string {
	f.t.Helper()
	id := do(f, f.CreateInternetGateway, &ec2api.CreateInternetGatewayInput{}).InternetGateway.InternetGatewayId
	do(f, f.AttachInternetGateway, &ec2api.AttachInternetGatewayInput{InternetGatewayId: id, VpcId: &vpc})
	return *id
}

func (f *front) table(vpc string) string {
	f.t.Helper()
	return *do(f, f.CreateRouteTable, &ec2api.CreateRouteTableInput{VpcId: &vpc}).RouteTable.RouteTableId
}

func (f *front) address() string {
	f.t.Helper()
	return *do(f, f.AllocateAddress, &ec2api.AllocateAddressInput{}).AllocationId
}

func (f *front) eni(subnet string, groups ...string) string {
	f.t.Helper()
	return *do(f, f.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &subnet, Groups: groups}).NetworkInterface.NetworkInterfaceId
}

// attached makes an interface as a load balancer does.
func (f *front) attached(subnet string) *network.Interface {
	f.t.Helper()
	var i *network.Interface
	err := f.store.Update(f.ctx, func(tx *state.Tx) (err error) {
		call := aws.From(f.ctx)
		i, err = f.net.CreateInterface(tx, network.InterfaceSpec{
			Account: call.Account, Region: call.Region, SubnetID: subnet, RequesterID: "amazon-elb", RequesterManaged: true, AssignPublicIP: true,
		})
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return i
}

func filter(name string, values ...string) []ec2api.Filter {
	return []ec2api.Filter{{Name: &name, Values: values}}
}
