// Package network is the network engine: VPCs, subnets, route tables, gateways,
// addresses, interfaces and security groups as rows, and the loop that makes a
// Fabric do what the rows say. It is data only: it opens no socket and knows no
// kernel.
//
//	services/ec2 ──┐                                ┌─ EnsureVPC
//	task, balance ─┼─▶ rows ─▶ watch ─▶ loop ─▶ Fabric ─ EnsureGroup
//	               ┘   (one transaction)            └─ EnsureInterface
//
// What exists in the kernel. A VPC is rows until something in it has an
// attached interface, and is taken out of the kernel again once nothing has.
// Every account and region has a default VPC with six subnets, as on AWS, and
// most are never used: they cost a few rows and no namespace. An interface that
// a user created and nothing is attached to is likewise only a row, because no
// packet could come from it; a NAT gateway's interface never gets a namespace,
// for the VPC's router does its work.
//
// Tables hold what is wanted; what has been made of it stands in the volatile
// table Status, written by the loop alone.
package network
