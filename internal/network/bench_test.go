package network

import (
	"context"
	"fmt"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

// BenchmarkRealise is what the engine adds to the fabric's time when one more interface joins a group of many.
func BenchmarkRealise(b *testing.B) {
	for _, members := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			n, store, k := openWith(b, nil, newKernel())
			k.adopted = true
			close(n.adopted)
			var subnet *Subnet
			update(b, store, func(tx *state.Tx) {
				v := must[*VPC](b)(n.CreateVPC(tx, testScope, prefix("10.0.0.0/16")))
				subnet = must[*Subnet](b)(n.CreateSubnet(tx, testScope, SubnetSpec{VPCID: v.ID, CIDR: prefix("10.0.0.0/16")}))
				for range members {
					must[*Interface](b)(n.CreateInterface(tx, spec(subnet)))
				}
			})
			for b.Loop() {
				b.StopTimer()
				var i *Interface
				update(b, store, func(tx *state.Tx) { i = must[*Interface](b)(n.CreateInterface(tx, spec(subnet))) })
				b.StartTimer()
				if _, err := n.Realise(context.Background(), i.ID); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				update(b, store, func(tx *state.Tx) { ok(b, n.DeleteInterface(tx, i.ID)) })
				b.StartTimer()
			}
		})
	}
}
