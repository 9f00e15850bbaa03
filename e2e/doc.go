// Package e2e holds the tests that drive the built program as its users do:
// `neargate serve` with real containers, real packets and unmodified AWS
// clients. It has no code of its own.
//
// The tests need root and make one platform each, with a data directory and a
// port of their own; at the end the platform is interrupted and nothing of it
// may be left on the machine. Where a client (terraform, aws, python3 with
// boto3, chromium, h2load) is not installed its test is skipped, unless
// NEARGATE_REQUIRE_CLIENTS=1 says that it has to be there and
// NEARGATE_ABSENT_CLIENTS does not name it.
//
// What chance decides is the same in every run of scripts/test; NEARGATE_SEED=0 has it decide anew, here and in the property
// tests of all packages. -e2e.quiet holds a machine that does nothing else to what is promised in seconds.
package e2e
