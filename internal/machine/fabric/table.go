package fabric

import (
	"bytes"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// vpcTable is the table in each VPC's namespace.
var vpcTable = &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "neargate"}

// layoutChain is an empty chain that names the layout of the table's fixed part. A platform that finds another layout in a VPC it adopts,
// because it was upgraded, replaces the table and fills it again as the control plane states its wishes.
var layoutChain = "layout_" + layoutDigest()

func layoutDigest() string {
	var b bytes.Buffer
	for _, s := range vpcSets {
		fmt.Fprintln(&b, s.Name, s.KeyType, s.DataType, s.Interval)
	}
	for _, c := range vpcChains() {
		fmt.Fprintln(&b, c.name, c.kind, *c.hook, c.priority, c.policy)
		for _, r := range c.rules {
			writeExprs(&b, r)
			fmt.Fprintln(&b)
		}
	}
	return digest(b.String(), 8)
}

// The table's sets and maps. What is said about an ENI is said about the index of its link.
var (
	boundMap     = lookupTable("bound", nftables.MustConcatSetType(nftables.TypeIFIndex, nftables.TypeIPAddr), nftables.TypeMark) // link, source address → subnet
	uncheckedMap = lookupTable("unchecked", nftables.TypeIFIndex, nftables.TypeMark)                                              // link → subnet, any source address
	profileMap   = lookupTable("profile", nftables.TypeIFIndex, nftables.TypeMark)                                                // link → profile
	egressMap    = lookupTable("egress_of", nftables.TypeMark, nftables.TypeVerdict)                                              // profile → chain
	ingressMap   = lookupTable("ingress_of", nftables.TypeMark, nftables.TypeVerdict)                                             // profile → chain
	ownMap       = lookupTable("own", nftables.TypeIFIndex, nftables.TypeIPAddr)                                                  // link of a transparent ENI → its address
	returnMap    = lookupTable("return", nftables.TypeIFIndex, nftables.TypeMark)                                                 // link of a transparent ENI → table that leads there
	publicInMap  = lookupTable("public_in", nftables.TypeIPAddr, nftables.TypeIPAddr)                                             // public → private
	publicOutMap = lookupTable("public_out", nftables.TypeIPAddr, nftables.TypeIPAddr)                                            // private → public
	serviceSet   = addressSet("services")
	localSet     = newSet(nftables.Set{Table: vpcTable, Name: "local", KeyType: nftables.TypeIPAddr, Interval: true})

	vpcSets = []*nftables.Set{boundMap, uncheckedMap, profileMap, egressMap, ingressMap, ownMap, returnMap, publicInMap, publicOutMap, serviceSet, localSet}
)

func lookupTable(name string, key, data nftables.SetDatatype) *nftables.Set {
	return newSet(nftables.Set{Table: vpcTable, Name: name, KeyType: key, DataType: data, IsMap: true, KeyByteOrder: binaryutil.NativeEndian})
}

func addressSet(name string) *nftables.Set {
	return newSet(nftables.Set{Table: vpcTable, Name: name, KeyType: nftables.TypeIPAddr})
}

// chain is a base chain with its rules in order.
type chain struct {
	name     string
	kind     nftables.ChainType
	hook     *nftables.ChainHook
	priority nftables.ChainPriority
	policy   nftables.ChainPolicy
	rules    [][]expr.Any
}

// vpcChains is the fixed part of a VPC's rules, in the order in which a packet meets them.
// The egress and ingress chains are separate base chains, not calls of each other, so that the graph of jumps stays a sum and not a product.
func vpcChains() []chain {
	const established = expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED
	accept := verdict(expr.VerdictAccept)
	toInternet := exprs(to(uplinkName), nextHop(), equal(address(internetHop)), ipField(offsetSource, reg))
	return []chain{
		{"source", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -300, nftables.ChainPolicyDrop, [][]expr.Any{
			exprs(meta(expr.MetaKeyIIF, regLow), ipField(offsetSource, regHigh), mapped(boundMap, reg), markPacket(), accept),
			exprs(from(uplinkName), ipField(offsetSource, reg), contained(localSet), verdict(expr.VerdictDrop)),
			exprs(from(uplinkName), accept),
			exprs(from("lo"), accept),
			exprs(meta(expr.MetaKeyIIF, reg), mapped(uncheckedMap, reg), markPacket(), accept),
		}},
		{"return", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, -150, nftables.ChainPolicyAccept, [][]expr.Any{
			exprs(connection(expr.CtStateBitNEW), meta(expr.MetaKeyIIF, reg), mapped(returnMap, reg), markConnection(), accept),
			exprs(answer(), connectionMark(), unequal(number(0)), connectionMark(), markPacket()),
		}},
		{"publish", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, -100, nftables.ChainPolicyAccept, [][]expr.Any{
			exprs(from(uplinkName), ipField(offsetDestination, reg), mapped(publicInMap, reg), translate(expr.NATTypeDestNAT)),
		}},
		{"input", nftables.ChainTypeFilter, nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, [][]expr.Any{
			exprs(connection(established), accept),
			exprs(from("lo"), accept),
			exprs(from(uplinkName), verdict(expr.VerdictDrop)),
			exprs(ipField(offsetDestination, reg), contained(serviceSet), accept),
		}},
		{"egress", nftables.ChainTypeFilter, nftables.ChainHookForward, 0, nftables.ChainPolicyDrop, [][]expr.Any{
			exprs(connection(established), accept),
			exprs(connection(expr.CtStateBitINVALID), verdict(expr.VerdictDrop)),
			exprs(from(uplinkName), published(), accept),
			exprs(meta(expr.MetaKeyIIF, reg), mapped(profileMap, reg), decided(egressMap)),
		}},
		{"ingress", nftables.ChainTypeFilter, nftables.ChainHookForward, 10, nftables.ChainPolicyDrop, [][]expr.Any{
			// Who was called by the internet gateway answers by it or not at all.
			exprs(to(uplinkName), published(), nextHop(), unequal(address(internetHop)), verdict(expr.VerdictDrop)),
			exprs(connection(established), accept),
			exprs(to(uplinkName), nextHop(), unequal(address(internetHop)), accept),
			exprs(toInternet, mapped(publicOutMap, scratch), accept),
			exprs(meta(expr.MetaKeyOIF, reg), mapped(profileMap, reg), decided(ingressMap)),
		}},
		{"leave", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept, [][]expr.Any{
			exprs(toInternet, mapped(publicOutMap, reg), translate(expr.NATTypeSourceNAT)),
			exprs(to(uplinkName), nextHop(), unequal(address(internetHop)), translate(expr.NATTypeSourceNAT)),
		}},
	}
}

func markPacket() expr.Any {
	return &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg}
}

func markConnection() expr.Any {
	return &expr.Ct{Key: expr.CtKeyMARK, SourceRegister: true, Register: reg}
}

func connectionMark() expr.Any { return &expr.Ct{Key: expr.CtKeyMARK, Register: reg} }

// answer matches packets that go the other way than a connection's first one.
func answer() []expr.Any {
	const reply = 1 // IP_CT_DIR_REPLY
	return []expr.Any{&expr.Ct{Register: reg, Key: expr.CtKeyDIRECTION}, equal([]byte{reply})}
}

// writeLayout queues the table with all that does not depend on the VPC, in place of whatever table was there.
func writeLayout(c *nftables.Conn) error {
	c.AddTable(vpcTable) // so that deleting it succeeds
	c.DelTable(vpcTable)
	c.AddTable(vpcTable)
	c.AddChain(&nftables.Chain{Table: vpcTable, Name: layoutChain})
	for _, s := range vpcSets {
		if err := c.AddSet(s, nil); err != nil {
			return err
		}
	}
	writeChains(c, vpcTable, vpcChains())
	return nil
}

func writeChains(c *nftables.Conn, t *nftables.Table, chains []chain) {
	for _, ch := range chains {
		base := c.AddChain(&nftables.Chain{
			Table: t, Name: ch.name, Type: ch.kind, Hooknum: ch.hook, Priority: &ch.priority, Policy: &ch.policy,
		})
		for _, r := range ch.rules {
			c.AddRule(&nftables.Rule{Table: t, Chain: base, Exprs: r})
		}
	}
}
