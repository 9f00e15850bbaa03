package fabrictest

import (
	"context"

	"github.com/neargate/neargate/internal/network"
)

func (p pair) EnsureVPC(ctx context.Context, c network.VPCConfig) error {
	if err := p.oracle.EnsureVPC(ctx, c); err != nil {
		return err
	}
	return p.Subject.EnsureVPC(ctx, c)
}

func (p pair) EnsureInterface(ctx context.Context, c network.InterfaceConfig) error {
	if err := p.oracle.EnsureInterface(ctx, c); err != nil {
		return err
	}
	return p.Subject.EnsureInterface(ctx, c)
}

func (p pair) EnsureGroup(ctx context.Context, c network.GroupConfig) error {
	if err := p.oracle.EnsureGroup(ctx, c); err != nil {
		return err
	}
	return p.Subject.EnsureGroup(ctx, c)
}
