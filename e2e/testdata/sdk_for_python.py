"""Paginators, waiters and error codes of boto3 against a running platform.

Prints one line per check that fails and ends with status 1 if there is one.
"""

import sys
import time

import boto3
import botocore.exceptions

failed = False


def check(what, holds):
    global failed
    if not holds:
        failed = True
        print(what)


def refused(what, code, call, **arguments):
    """The call fails with the code, and as the client's own exception where its model has one."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        got = e.response["Error"]["Code"]
        check(f"{what}: {got}, want {code}", got == code)
        check(f"{what}: no request id", e.response["ResponseMetadata"].get("RequestId"))
        return e
    check(f"{what}: no error, want {code}", False)


ec2, ecs, elb, iam, logs, ecr, sts = (
    boto3.client(name) for name in ("ec2", "ecs", "elbv2", "iam", "logs", "ecr", "sts")
)
FAST = {"Delay": 1, "MaxAttempts": 60}

check("account", sts.get_caller_identity()["Account"] == "000000000000")

# Network.
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc], WaiterConfig=FAST)
subnets = [
    ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{z}")["Subnet"]["SubnetId"]
    for i, z in enumerate("ab")
]
ec2.get_waiter("subnet_available").wait(SubnetIds=subnets, WaiterConfig=FAST)
groups = [
    ec2.create_security_group(VpcId=vpc, GroupName=f"g{i}", Description="one of many")["GroupId"] for i in range(12)
]
pages = list(
    ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}], PaginationConfig={"PageSize": 5}
    )
)
found = [g["GroupId"] for p in pages for g in p["SecurityGroups"]]
check(f"security groups on {len(pages)} pages: {len(found)}", len(pages) == 3 and set(groups) < set(found))
refused("unknown VPC", "InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])
refused("unknown subnet", "InvalidSubnetID.NotFound", ec2.delete_subnet, SubnetId="subnet-0123456789abcdef0")
refused("overlapping block", "InvalidSubnet.Conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/25")
refused("block outside", "InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.0.0/24")
refused("VPC in use", "DependencyViolation", ec2.delete_vpc, VpcId=vpc)
refused("group twice", "InvalidGroup.Duplicate", ec2.create_security_group, VpcId=vpc, GroupName="g0", Description="x")
dry = refused("dry run", "DryRunOperation", ec2.create_vpc, CidrBlock="10.1.0.0/16", DryRun=True)

# Containers.
ecs.create_cluster(clusterName="main")
for i in range(7):
    ecs.register_task_definition(
        family=f"family{i}", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "main", "image": "test/probe:latest", "command": ["sleep"]}],
    )
pages = list(ecs.get_paginator("list_task_definitions").paginate(PaginationConfig={"PageSize": 3}))
found = [a for p in pages for a in p["taskDefinitionArns"]]
check(f"task definitions on {len(pages)} pages: {len(found)}", len(pages) == 3 and len(set(found)) == 7)
placed = {"awsvpcConfiguration": {"subnets": subnets}}
run = ecs.run_task(cluster="main", taskDefinition="family1", launchType="FARGATE", count=3, networkConfiguration=placed)
tasks = [t["taskArn"] for t in run["tasks"]]
ecs.get_waiter("tasks_running").wait(cluster="main", tasks=tasks, WaiterConfig=FAST)
pages = list(ecs.get_paginator("list_tasks").paginate(cluster="main", PaginationConfig={"PageSize": 2}))
check("tasks on pages", sorted(a for p in pages for a in p["taskArns"]) == sorted(tasks))
interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkInterfaces"]
check(f"{len(interfaces)} network interfaces", len(interfaces) == 3)
for task in tasks:
    ecs.stop_task(cluster="main", task=task, reason="over")
ecs.get_waiter("tasks_stopped").wait(cluster="main", tasks=tasks, WaiterConfig=FAST)
stopped = ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]
check("reasons", {(t["stopCode"], t["stoppedReason"]) for t in stopped} == {("UserInitiated", "over")})
ecs.create_service(
    cluster="main", serviceName="s", taskDefinition="family2", desiredCount=1, launchType="FARGATE", networkConfiguration=placed
)
ecs.get_waiter("services_stable").wait(cluster="main", services=["s"], WaiterConfig=FAST)
refused("cluster in use", "ClusterContainsServicesException", ecs.delete_cluster, cluster="main")
ecs.delete_service(cluster="main", service="s", force=True)
ecs.get_waiter("services_inactive").wait(cluster="main", services=["s"], WaiterConfig=FAST)
refused("unknown cluster", "ClusterNotFoundException", ecs.list_tasks, cluster="nowhere")
refused("unknown service", "ServiceNotFoundException", ecs.update_service, cluster="main", service="nothing", desiredCount=1)
refused("unknown task definition", "ClientException", ecs.describe_task_definition, taskDefinition="nothing")
refused(
    "cpu and memory that do not go together", "ClientException", ecs.register_task_definition, family="odd", cpu="256", memory="8192",
    networkMode="awsvpc", requiresCompatibilities=["FARGATE"], containerDefinitions=[{"name": "main", "image": "i"}],
)
check("failures", ecs.describe_services(cluster="main", services=["nothing"])["failures"][0]["reason"] == "MISSING")

# Load balancing.
group = elb.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
refused("target group twice", "DuplicateTargetGroupName", elb.create_target_group, Name="g", Protocol="HTTP", Port=81, VpcId=vpc, TargetType="ip")
refused("unknown load balancer", "LoadBalancerNotFound", elb.describe_load_balancers, Names=["nothing"])
try:
    elb.describe_target_groups(Names=["nothing"])
except elb.exceptions.TargetGroupNotFoundException:
    pass
else:
    check("an unknown target group is described", False)
elb.delete_target_group(TargetGroupArn=group)

# Roles, logs, registry.
trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
for i in range(5):
    iam.create_role(RoleName=f"role{i}", AssumeRolePolicyDocument=trust)
iam.get_waiter("role_exists").wait(RoleName="role0", WaiterConfig=FAST)
pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
check("roles on pages", {f"role{i}" for i in range(5)} <= {r["RoleName"] for p in pages for r in p["Roles"]} and len(pages) >= 3)
refused("role twice", "EntityAlreadyExists", iam.create_role, RoleName="role0", AssumeRolePolicyDocument=trust)
refused("unknown role", "NoSuchEntity", iam.get_role, RoleName="nobody")
refused("no policy", "MalformedPolicyDocument", iam.create_role, RoleName="bad", AssumeRolePolicyDocument="{}")
logs.create_log_group(logGroupName="/g")
logs.create_log_stream(logGroupName="/g", logStreamName="s")
now = int(time.time() * 1000)
logs.put_log_events(
    logGroupName="/g", logStreamName="s", logEvents=[{"timestamp": now + i, "message": f"line {i}"} for i in range(250)]
)
pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="/g", PaginationConfig={"PageSize": 100}))
check("events on pages", [e["message"] for p in pages for e in p["events"]] == [f"line {i}" for i in range(250)])
refused("log group twice", "ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/g")
refused("unknown log group", "ResourceNotFoundException", logs.describe_log_streams, logGroupName="/nothing")
for i in range(3):
    ecr.create_repository(repositoryName=f"r{i}")
pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
check("repositories on pages", [r["repositoryName"] for p in pages for r in p["repositories"]] == ["r0", "r1", "r2"])
refused("repository twice", "RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="r0")
refused("unknown repository", "RepositoryNotFoundException", ecr.list_images, repositoryName="nothing")

sys.exit(failed)
