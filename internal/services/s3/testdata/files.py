"""Keeps files in a bucket with boto3 as programs do: uploads in parts, copies, lists, presigned URLs, versions."""
import hashlib
import os
import sys
import tempfile
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError


def client(**more):
    return boto3.client(
        "s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="AKIDOWNER", aws_secret_access_key="secret", **more
    )


s3 = client()


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
    else:
        raise AssertionError(f"{code} expected")


s3.create_bucket(Bucket="files")
s3.get_waiter("bucket_exists").wait(Bucket="files")

# An upload in parts, its checksum of the parts', and the way back.
content = os.urandom(17 << 20)
parts = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    with open(path, "wb") as f:
        f.write(content)
    s3.upload_file(path, "files", "big", Config=parts, ExtraArgs={"ContentType": "x/y", "Metadata": {"a": "b"}})
    s3.download_file("files", "big", path + ".back", Config=parts)
    with open(path + ".back", "rb") as f:
        assert f.read() == content
head = s3.head_object(Bucket="files", Key="big", ChecksumMode="ENABLED")
assert head["ETag"].endswith('-3"') and head["ContentType"] == "x/y" and head["Metadata"] == {"a": "b"}, head
s3.copy({"Bucket": "files", "Key": "big"}, "files", "copied", Config=parts)
whole = s3.copy_object(Bucket="files", Key="whole", CopySource="files/big")["CopyObjectResult"]["ETag"]
assert whole == '"%s"' % hashlib.md5(content).hexdigest(), whole
assert s3.get_object(Bucket="files", Key="copied")["Body"].read() == content

# Answers that come before and after 100 Continue, on one connection.
for body in (b"", b"x", b"", b"xy"):
    refused("PreconditionFailed", s3.put_object, Bucket="files", Key="big", Body=body, IfNoneMatch="*")
    s3.put_object(Bucket="files", Key="empty", Body=b"")
refused("NoSuchKey", s3.get_object, Bucket="files", Key="none")
refused("404", s3.head_object, Bucket="files", Key="none")

# Presigned URLs of both kinds.
for version in ("s3v4", "s3"):
    signer = client(config=Config(signature_version=version))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "files", "Key": "copied", "ResponseContentType": "a/b"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Type"] == "a/b" and answer.read() == content
    url = signer.generate_presigned_url("put_object", Params={"Bucket": "files", "Key": version}, ExpiresIn=60)
    with urllib.request.urlopen(urllib.request.Request(url, data=b"put", method="PUT", headers={"Content-Type": ""})) as answer:
        assert answer.status == 200
    assert s3.get_object(Bucket="files", Key=version)["Body"].read() == b"put"

# Lists in pages.
for i in range(12):
    s3.put_object(Bucket="files", Key=f"list/{i:02}/x", Body=b"")
folders = []
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="files", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 5}):
    folders += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
assert folders == [f"list/{i:02}/" for i in range(12)], folders

# Versions.
s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket="files", Key="v", Body=b"1")["VersionId"]
s3.put_object(Bucket="files", Key="v", Body=b"2")
marker = s3.delete_object(Bucket="files", Key="v")
assert marker["DeleteMarker"]
refused("NoSuchKey", s3.get_object, Bucket="files", Key="v")
assert s3.get_object(Bucket="files", Key="v", VersionId=first)["Body"].read() == b"1"
listed = s3.list_object_versions(Bucket="files", Prefix="v")
assert len(listed["Versions"]) == 2 and len(listed["DeleteMarkers"]) == 1, listed

# What is not configured, and what cannot be.
for code, call in (
    ("NoSuchWebsiteConfiguration", s3.get_bucket_website), ("NoSuchCORSConfiguration", s3.get_bucket_cors),
    ("ReplicationConfigurationNotFoundError", s3.get_bucket_replication), ("ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration),
    ("NoSuchBucketPolicy", s3.get_bucket_policy), ("NoSuchTagSet", s3.get_bucket_tagging), ("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration),
):
    refused(code, call, Bucket="files")
refused("NotImplemented", s3.put_bucket_website, Bucket="files", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})

refused("BucketNotEmpty", s3.delete_bucket, Bucket="files")
boto3.resource("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="AKIDOWNER", aws_secret_access_key="secret").Bucket(
    "files"
).object_versions.delete()
s3.delete_bucket(Bucket="files")
print("ok")
