package edgeapi

// FlowCounters are what CloudWatch's AWS/NetworkELB namespace has of a network load balancer, apart for each protocol and availability
// zone. A TCP_UDP listener counts its flows as TCP and as UDP. Those of TLS have TLS on the client's side.
type FlowCounters struct {
	Protocol         string `json:"protocol"` // TCP, UDP or TLS
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	Active    int64  `json:"active"`            // ActiveFlowCount
	New       uint64 `json:"new"`               // NewFlowCount
	Bytes     uint64 `json:"bytes"`             // ProcessedBytes, both directions, without headers
	Packets   uint64 `json:"packets,omitempty"` // of UDP: datagrams, both directions
	Rejected  uint64 `json:"rejected"`          // RejectedFlowCount: over the limit of flows
	Unhealthy uint64 `json:"unhealthy"`         // UnhealthyRoutingFlowCount: routed by failing open

	PortErrors   uint64 `json:"portErrors"`   // PortAllocationErrorCount
	ClientResets uint64 `json:"clientResets"` // TCP_Client_Reset_Count
	TargetResets uint64 `json:"targetResets"` // TCP_Target_Reset_Count
	Resets       uint64 `json:"resets"`       // TCP_ELB_Reset_Count

	ClientTLSErrors uint64 `json:"clientTLSErrors"` // ClientTLSNegotiationErrorCount
	TargetTLSErrors uint64 `json:"targetTLSErrors"` // TargetTLSNegotiationErrorCount
}
