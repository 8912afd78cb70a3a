"""Fills a moto server with two accounts, by the official SDK, and prints what a client needs as JSON.

    setup.py URL fill ONSET          fills it
    setup.py URL used ACCOUNT=KEY... prints by which service each key was last used, as JSON
    setup.py URL open                has nothing checked any more
    setup.py URL sign METHOD BODY    prints the SDK's own signature of a request to URL
    setup.py URL presign CLUSTER     prints the SDK's own signature of URL as a token for a cluster

Both accounts hold a database of the same name; only the second one's is in trouble. Each has a user who may do nothing
but assume the role `reader`, whose trust policy wants an external id.
"""

import json
import sys
import urllib.request
from datetime import datetime, timedelta

import boto3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ENDPOINT, TASK, ARGUMENTS = sys.argv[1], sys.argv[2], sys.argv[3:]
REGION = "eu-west-1"


def client(service, credentials=("root", "root", None)):
    key, secret, token = credentials
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def inside(account):
    role = f"arn:aws:iam::{account}:role/setup"
    found = client("sts").assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def access(account, own):
    iam = client("iam", own)
    iam.create_user(UserName="ops")
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    iam.put_user_policy(UserName="ops", PolicyName="assume", PolicyDocument=policy(may))
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{account}:user/ops"},
        "Condition": {"StringEquals": {"sts:ExternalId": f"external-{account}"}},
    }
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policy(trust))["Role"]
    all_but_ec2 = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:DescribeInstances", "Resource": "*"},
    ]
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy(*all_but_ec2))
    key = iam.create_access_key(UserName="ops")["AccessKey"]
    return {"role": role["Arn"], "key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def database(own, busy, onset):
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": "orders-db"}]
    cloudwatch = client("cloudwatch", own)
    for start in range(-75, 30, 15):
        points = [
            {
                "MetricName": "CPUUtilization",
                "Dimensions": dimensions,
                "Timestamp": onset + timedelta(minutes=minute),
                "Value": 97.0 if busy and minute >= 0 else 20.0,
                "Unit": "Percent",
            }
            for minute in range(start, start + 15)
        ]
        cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=points)
    cloudwatch.put_metric_alarm(
        AlarmName="orders-db CPU",
        Namespace="AWS/RDS",
        MetricName="CPUUtilization",
        Dimensions=dimensions,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=90.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(
        AlarmName="orders-db CPU", StateValue="ALARM" if busy else "OK", StateReason="Threshold Crossed"
    )
    client("rds", own).create_db_instance(
        DBInstanceIdentifier="orders-db",
        Engine="postgres",
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=20,
        MasterUsername="root",
        MasterUserPassword="canary-password",
    )
    logs = client("logs", own)
    group = "/aws/rds/instance/orders-db/postgresql"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="orders-db")
    line = "FATAL: remaining connection slots are reserved" if busy else "LOG: checkpoint complete"
    at = int((onset + timedelta(minutes=2)).timestamp() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName="orders-db", logEvents=[{"timestamp": at, "message": line}]
    )
    cluster = client("ecs", own)
    cluster.create_cluster(clusterName="shop")
    client("eks", own).create_cluster(
        name="shop", roleArn="arn:aws:iam::111111111111:role/eks", resourcesVpcConfig={"subnetIds": []}
    )


def check(from_now_on):
    """Whether signatures, policies and trust policies are checked."""
    headers = {"Content-Type": "text/plain"}
    body = b"0" if from_now_on else b"inf"
    urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}/moto-api/reset-auth", data=body, headers=headers)).read()


def fill(onset):
    accounts = {}
    for number, busy in (("111111111111", False), ("222222222222", True)):
        own = inside(number)
        accounts[number] = access(number, own)
        database(own, busy, onset)
    check(True)
    return accounts


def used(keys):
    check(False)
    services = {}
    for pair in keys:
        account, key = pair.split("=")
        found = client("iam", inside(account)).get_access_key_last_used(AccessKeyId=key)
        services[account] = found["AccessKeyLastUsed"].get("ServiceName", "N/A")
    return services


def sign(method, body):
    request = AWSRequest(method=method, url=ENDPOINT, data=body or None)
    request.headers["X-Amz-Date"] = request.context["timestamp"] = "20240501T121500Z"
    request.headers["X-Amz-Security-Token"] = "token=="
    if body:
        request.headers["Content-Type"] = "application/x-amz-json-1.1"
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret+/key", "token=="), "eks", REGION)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def presign(cluster):
    headers = {"X-K8s-Aws-Id": cluster}
    request = AWSRequest(method="GET", url=ENDPOINT, headers=headers)
    request.context["timestamp"] = "20240501T121500Z"
    auth = SigV4QueryAuth(Credentials("AKIDEXAMPLE", "secret+/key", "token=="), "sts", REGION, expires=60)
    auth._modify_request_before_signing(request)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


TASKS = {
    "fill": lambda onset: fill(datetime.fromisoformat(onset)),
    "used": lambda *keys: used(keys),
    "open": lambda: check(False),
    "sign": sign,
    "presign": presign,
}
print(json.dumps(TASKS[TASK](*ARGUMENTS)))
