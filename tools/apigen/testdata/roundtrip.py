"""botocore clients of APIs whose protocols need a check before any service here speaks them."""
import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

address = sys.argv[1]
noon = datetime.datetime(2026, 8, 1, 12, tzinfo=datetime.timezone.utc)


def client(name):
    return boto3.client(name, endpoint_url=address, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
                        config=Config(retries={"max_attempts": 0}, parameter_validation=False))


def refused(call, code, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        assert e.response["Error"]["Message"] == "as asked", e.response
    else:
        raise AssertionError("not refused")


cw = client("cloudwatch")
cw.put_metric_data(Namespace="N", MetricData=[{
    "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "é"}], "Timestamp": noon, "Value": 1.5, "Values": [1.0, 2.25], "Unit": "Count", "StorageResolution": 60}])
result = cw.get_metric_data(MetricDataQueries=[{"Id": "a", "Expression": "m", "ReturnData": True}], StartTime=noon,
                            EndTime=noon + datetime.timedelta(minutes=1), MaxDatapoints=70000)
assert result["MetricDataResults"][0]["Timestamps"] == [noon] and result["MetricDataResults"][0]["Values"] == [-0.5, 1e300], result
refused(cw.delete_alarms, "ResourceNotFound", AlarmNames=["x"])

r53 = client("route53")
change = r53.change_resource_record_sets(HostedZoneId="Z1", ChangeBatch={"Comment": "a <b> & c", "Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
    "Name": "x.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}, {"Value": "10.0.0.2"}]}}]})["ChangeInfo"]
assert change == {"Id": "/change/C1", "Status": "INSYNC", "SubmittedAt": noon}, change
records = r53.list_resource_record_sets(HostedZoneId="Z1", StartRecordName="a.", MaxItems="2")
assert records["ResourceRecordSets"][0]["ResourceRecords"] == [{"Value": '"a"'}] and records["IsTruncated"] is False, records
refused(r53.get_hosted_zone, "NoSuchHostedZone", Id="Z9")

fn = client("lambda")
made = fn.create_function(FunctionName="f", Role="arn:aws:iam::000000000000:role/r", Code={"ZipFile": b"zip\0"}, Environment={"Variables": {"AB": "1"}}, Timeout=3, Architectures=["arm64"])
assert made["CodeSize"] == 5000000000 and made["Environment"] == {"Variables": {"AB": "1"}}, made
answer = fn.invoke(FunctionName="arn:aws:lambda:us-east-1:000000000000:function:f", Payload=b'{"x":1}', Qualifier="v-1", LogType="Tail")
assert answer["StatusCode"] == 202 and answer["Payload"].read() == b"pay" and answer["LogResult"] == "bG9n", answer
assert fn.list_functions(MaxItems=5)["Functions"] == []
refused(fn.delete_function, "ResourceNotFoundException", FunctionName="nope")
print("ok")
