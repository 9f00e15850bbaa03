package l4

import (
	"encoding/binary"
	"net/netip"
)

// proxySignature begins every header of the PROXY protocol, version 2.
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// appendProxyHeader appends the header of PROXY protocol version 2 that tells a target who the client is and what it connected to. Of AWS's
// own fields there is only one, the VPC endpoint's id, and no traffic comes from such.
func appendProxyHeader(b []byte, protocol byte, from, to netip.AddrPort) []byte {
	const proxied = 0x21 // version 2, command PROXY
	family := byte(0x11) // IPv4, stream
	if protocol == protocolUDP {
		family = 0x12
	}
	b = append(b, proxySignature...)
	b = append(b, proxied, family)
	b = binary.BigEndian.AppendUint16(b, 12)
	b = append(b, from.Addr().AsSlice()...)
	b = append(b, to.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, from.Port())
	return binary.BigEndian.AppendUint16(b, to.Port())
}
