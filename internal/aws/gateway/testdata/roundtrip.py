"""Real botocore clients against a gateway whose front answers with what it was asked."""
import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

address = sys.argv[1]


def client(name, key="test", **config):
    return boto3.client(
        name, endpoint_url=address, region_name="eu-west-1", aws_access_key_id=key, aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False, parameter_validation=False, **config))


def refused(call, code, part, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        error = e.response["Error"]
        assert error["Code"] == code, (error, code)
        assert part in error["Message"], (error, part)
        assert e.response["ResponseMetadata"]["RequestId"], e.response
        return e.response
    raise AssertionError(f"not refused: {code}")


created = datetime.datetime(2026, 8, 1, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)

ecs = client("ecs")
cluster = ecs.create_cluster(clusterName="wéb \"x\"\n", tags=[{"key": "a", "value": "b"}], capacityProviders=["FARGATE"])["cluster"]
assert cluster["clusterName"] == "wéb \"x\"\n" and cluster["tags"] == [{"key": "a", "value": "b"}], cluster
assert cluster["clusterArn"].startswith("arn:aws:ecs:eu-west-1:000000000000:"), cluster
definition = dict(
    family="web", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
    containerDefinitions=[{
        "name": "app", "image": "x", "essential": True, "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
        "environment": [{"name": "A", "value": "1"}], "dockerLabels": {"k": "v"}, "command": [], "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
    }])
got = ecs.register_task_definition(**definition)["taskDefinition"]
assert got["containerDefinitions"] == definition["containerDefinitions"], got
assert got["registeredAt"] == created, got
answer = refused(ecs.delete_cluster, "ClusterContainsServicesException", "Services are active", cluster="conflict")
assert answer["resourceIds"] == ["a", "b"] if "resourceIds" in answer else True
refused(ecs.delete_cluster, "ClusterNotFoundException", "Cluster not found.", cluster="x")
refused(ecs.delete_cluster, "ServerException", "internal", cluster="panic")
refused(ecs.run_task, "InvalidParameterException", "Member must satisfy enum value set: [EC2, FARGATE", taskDefinition="x", launchType="MOON")
refused(ecs.describe_tasks, "NotImplemented", "ecs DescribeTasks", tasks=["x"])
pages = [p["clusterArns"] for p in ecs.get_paginator("list_clusters").paginate()]
assert pages == [["a", "b"], ["c"]], pages
refused(ecs.list_clusters, "InvalidParameterException", "token", nextToken="nonsense")

ec2 = client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "a&b<c>"}]}])["Vpc"]
assert vpc["CidrBlock"] == "10.0.0.0/16" and vpc["Tags"] == [{"Key": "Name", "Value": "a&b<c>"}] and vpc["IsDefault"] is False, vpc
assert ec2.describe_vpcs(VpcIds=["vpc-b", "vpc-a"], Filters=[{"Name": "tag:x", "Values": ["1", "2"]}])["Vpcs"] == [
    {"VpcId": "vpc-b"}, {"VpcId": "vpc-a"}, {"VpcId": "tag:x=1"}, {"VpcId": "tag:x=2"}]
assert ec2.describe_vpcs()["Vpcs"] == []
rules = ec2.authorize_security_group_ingress(GroupId="sg-1", IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}, {"CidrIp": "10.0.0.0/8"}]}])["SecurityGroupRules"]
assert [r["CidrIpv4"] for r in rules] == ["0.0.0.0/0", "10.0.0.0/8"] and rules[0]["FromPort"] == 80, rules
assert ec2.delete_vpc(VpcId="vpc-1")["ResponseMetadata"]["HTTPStatusCode"] == 200
refused(ec2.delete_vpc, "DryRunOperation", "DryRun flag is set", VpcId="vpc-1", DryRun=True)
refused(ec2.describe_vpcs, "InvalidParameterValue", "Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5.", MaxResults=1)
refused(ec2.run_instances, "NotImplemented", "ec2 RunInstances", MinCount=1, MaxCount=1)

ecr = client("ecr")
assert ecr.create_repository(repositoryName="demo/web")["repository"]["createdAt"] == created
refused(ecr.create_repository, "InvalidParameterException",
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '", repositoryName="Demo")
assert ecr.upload_layer_part(repositoryName="ab", uploadId="9a4b6ee1-6f5c-4c3b-9f0e-0c1d2e3f4a5b", partFirstByte=0, partLastByte=0, layerPartBlob=b"x" * (12 << 20))["lastByteReceived"] == (12 << 20) - 1

elb = client("elbv2")
rule = elb.create_rule(ListenerArn="l", Priority=1, Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b*"]}}],
                       Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "t", "Weight": 3}]}}])["Rules"][0]
assert rule["Conditions"] == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b*"]}}], rule
assert rule["Actions"][0]["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": "t", "Weight": 3}], rule
refused(elb.describe_load_balancers, "LoadBalancerNotFound", "'[nope]' not found", Names=["nope"])

iam = client("iam")
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}", Description="ä & <b>", Tags=[{"Key": "k", "Value": ""}], MaxSessionDuration=3600)["Role"]
assert role["Description"] == "ä & <b>" and role["Tags"] == [{"Key": "k", "Value": ""}] and role["MaxSessionDuration"] == 3600, role
assert role["CreateDate"] == created, role
refused(iam.delete_role, "NoSuchEntity", "The role with name r cannot be found.", RoleName="r")
refused(iam.create_role, "ValidationError", "Member must satisfy regular expression pattern: [\\w+=,.@-]+", RoleName="a b", AssumeRolePolicyDocument="{}")
refused(iam.create_role, "ValidationError", "2 validation errors detected", RoleName="a b" * 40, AssumeRolePolicyDocument="{}")

logs = client("logs", request_min_compression_size_bytes=1)
assert logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1785587415250, "message": "m" * 100}])["nextSequenceToken"] == "m" * 100


def tail(error, message, **kwargs):
    events = []
    try:
        for event in logs.start_live_tail(logGroupIdentifiers=["arn:g"], **kwargs)["responseStream"]:
            events.append(event)
    except Exception as e:
        assert error in str(e) and message in str(e), e
    else:
        raise AssertionError("the stream ended well")
    assert events[0]["sessionStart"]["logGroupIdentifiers"] == ["arn:g"], events
    assert events[1]["sessionUpdate"]["sessionResults"][0]["message"] == "hällo\n", events


tail("SessionTimeoutException", "over")
tail("Whatever", "else", logEventFilterPattern="x")

sts = client("sts")
me = sts.get_caller_identity()
assert (me["Account"], me["Arn"], me["UserId"]) == ("000000000000", "arn:aws:iam::000000000000:root", "eu-west-1"), me
assert client("sts", key="123456789012").get_caller_identity()["Account"] == "123456789012"
print("ok")
