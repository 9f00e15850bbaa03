"""Speaks to CloudWatch's front in every protocol that SDKs have used: clients.py URL."""

import datetime
import gzip
import json
import os
import sys
import tempfile

import boto3
import botocore
import botocore.exceptions
from botocore.config import Config


def load():
    """The model as botocore has it."""
    folder = os.path.join(os.path.dirname(botocore.__file__), "data", "cloudwatch", "2010-08-01")
    for name, reader in (("service-2.json.gz", gzip.open), ("service-2.json", open)):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with reader(path) as f:
                return json.load(f)
    raise SystemExit("no model")


def client(url, protocol, model):
    """A client that speaks one protocol, whatever botocore prefers."""
    model["metadata"].update(protocol=protocol, protocols=[protocol])
    folder = tempfile.mkdtemp()
    os.makedirs(os.path.join(folder, "cloudwatch", "2010-08-01"))
    with open(os.path.join(folder, "cloudwatch", "2010-08-01", "service-2.json"), "w") as f:
        json.dump(model, f)
    os.environ["AWS_DATA_PATH"] = folder
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    return session.client("cloudwatch", endpoint_url=url, config=Config(retries={"max_attempts": 0}))


def fails(code, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise AssertionError("no " + code)


def run(c, namespace):
    now = datetime.datetime.now(datetime.timezone.utc)
    start = now.replace(second=0, microsecond=0) - datetime.timedelta(minutes=30)
    minute = datetime.timedelta(minutes=1)
    web = [{"Name": "Service", "Value": "web"}, {"Name": "Zone", "Value": "a"}]
    data = []
    for i in range(10):
        data.append({"MetricName": "Requests", "Dimensions": web, "Timestamp": start + i * minute, "Value": 10.5 * i, "Unit": "Count"})
        data.append({"MetricName": "Latency", "Dimensions": web[::-1], "Timestamp": start + i * minute, "Values": [0.1, 0.2, 3], "Counts": [50, 49, 1], "Unit": "Seconds"})
    data.append({"MetricName": "Batch", "Timestamp": start, "StatisticValues": {"SampleCount": 3, "Sum": 9, "Minimum": 1, "Maximum": 5}})
    data.append({"MetricName": "Fine", "Timestamp": start + datetime.timedelta(seconds=7), "Value": 1, "StorageResolution": 1})
    # Long enough to be sent gzipped.
    data += [{"MetricName": "Padding", "Dimensions": [{"Name": "Number", "Value": "%040d" % i}], "Timestamp": start, "Value": i} for i in range(600)]
    c.put_metric_data(Namespace=namespace, MetricData=data)

    found = c.get_metric_statistics(
        Namespace=namespace, MetricName="Latency", Dimensions=web, StartTime=start, EndTime=start + 10 * minute, Period=300,
        Statistics=["SampleCount", "Average", "Maximum"], Unit="Seconds")
    points = sorted(found["Datapoints"], key=lambda p: p["Timestamp"])
    assert [p["SampleCount"] for p in points] == [500, 500] and points[0]["Timestamp"] == start and points[0]["Unit"] == "Seconds", found
    assert abs(points[0]["Average"] - 0.178) < 1e-9 and points[0]["Maximum"] == 3, found
    found = c.get_metric_statistics(
        Namespace=namespace, MetricName="Latency", Dimensions=web, StartTime=start, EndTime=start + minute, Period=60,
        ExtendedStatistics=["p99", "p99.9", "tm99"])
    assert found["Datapoints"][0]["ExtendedStatistics"]["p99"] == 0.2 and found["Datapoints"][0]["ExtendedStatistics"]["p99.9"] == 3, found

    def stat(id, name, statistic, period=60, **more):
        return dict(Id=id, MetricStat={"Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": web}, "Period": period, "Stat": statistic}, **more)

    results = []
    for page in c.get_paginator("get_metric_data").paginate(
            StartTime=start, EndTime=start + 10 * minute, ScanBy="TimestampAscending", MaxDatapoints=7,
            MetricDataQueries=[stat("r", "Requests", "Sum"), stat("l", "Latency", "p99", ReturnData=False), {"Id": "e", "Expression": "r / PERIOD(r) * 60 + l", "Label": "sum"}]):
        results += page["MetricDataResults"]
    values = {}
    for r in results:
        assert len(r["Values"]) == len(r["Timestamps"]) and r["Label"] in ("Requests", "sum"), r
        values.setdefault(r["Id"], []).extend(r["Values"])
    assert values["r"] == [10.5 * i for i in range(10)], values
    assert all(abs(v - (10.5 * i + 0.2)) < 1e-9 for i, v in enumerate(values["e"])) and "l" not in values, values
    assert results[0]["Timestamps"][0] == start

    listed = [m for page in c.get_paginator("list_metrics").paginate(Namespace=namespace) for m in page["Metrics"]]
    assert len(listed) == 604, len(listed)
    assert c.list_metrics(Namespace=namespace, MetricName="Requests", Dimensions=[{"Name": "Zone"}])["Metrics"] == [
        {"Namespace": namespace, "MetricName": "Requests", "Dimensions": web}]
    assert len(c.list_metrics(Namespace=namespace, RecentlyActive="PT3H")["Metrics"]) == 500
    assert c.list_metrics(Namespace="none")["Metrics"] == []

    one = {"MetricName": "m", "Value": 1}
    fails("InvalidParameterValue", c.put_metric_data, Namespace=namespace, MetricData=[dict(one, Value=float("nan"))])
    fails("InvalidParameterValue", c.put_metric_data, Namespace=namespace, MetricData=[dict(one, Value=float("inf"))])
    fails("InvalidParameterValue", c.put_metric_data, Namespace="AWS/X", MetricData=[one])
    fails("InvalidParameterValue", c.put_metric_data, Namespace=namespace, MetricData=[one] * 1001)
    fails("InvalidParameterValue", c.put_metric_data, Namespace=namespace, MetricData=[dict(one, Unit="Furlongs")])
    try:
        c.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m"}])
        raise AssertionError("a datum without value")
    except c.exceptions.InvalidParameterCombinationException:
        pass
    message = fails(
        "InvalidParameterCombination", c.get_metric_statistics, Namespace=namespace, MetricName="m", StartTime=start - datetime.timedelta(days=2), EndTime=now,
        Period=60, Statistics=["Sum"])
    assert "exceeds the limit of 1440" in message, message
    fails("ValidationError", c.get_metric_data, StartTime=start, EndTime=now, MetricDataQueries=[{"Id": "e", "Expression": "1 + 1"}])
    fails("NotImplemented", c.describe_alarms)


def main():
    model = load()
    spoken = [p for p in ("smithy-rpc-v2-cbor", "json", "query") if p in model["metadata"].get("protocols", ["query"])]
    for protocol in spoken:
        run(client(sys.argv[1], protocol, model), "App/" + protocol)
    print("ok", *spoken)


main()
