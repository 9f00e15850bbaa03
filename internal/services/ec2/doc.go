// Package ec2 is the front of the EC2 API, of which Neargate has the network:
// VPCs, subnets, routes, gateways, addresses, interfaces, security groups and
// prefix lists. It reads requests, calls the network engine in one transaction,
// and writes its rows as EC2 shows them; what they mean is the engine's.
//
// There are no instances: DescribeInstances finds none, and whatever names one
// hears that it does not exist. What EC2 would act on and Neargate does not do
// yet, such as IPv6 blocks, is refused by the parameter's name.
package ec2
