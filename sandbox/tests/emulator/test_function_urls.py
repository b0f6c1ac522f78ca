"""Lambda function URLs with AuthType AWS_IAM: who is let in, whom the function is told of, and what is counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually
from function_zip import create_function
from pilot_sandbox import function_url

ECHO = """
def handle(event):
    return {"statusCode": 202, "headers": {"x-mine": "yes"}, "body": json.dumps(event)}
"""
STATUS = """
def handle(event):
    return {"statusCode": int(event["rawPath"].strip("/")), "body": "{}"}
"""
CALLER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": "*",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        },
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": "*",
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        },
    ],
}


@dataclass
class Url:
    """A function's URL, and requests to it."""

    emulator: Emulator
    function_name: str
    url: str

    @classmethod
    def of(cls, emulator: Emulator, name: str, handler: str = ECHO, auth_type: str = "AWS_IAM") -> Url:
        """A new function with a URL."""
        client = emulator.client("lambda")
        create_function(client, name, handler)
        made = client.create_function_url_config(FunctionName=name, AuthType=auth_type)
        return cls(emulator, name, made["FunctionUrl"].rstrip("/"))

    def signed(self, keys: Credentials, path: str = "/runs?a=1", body: bytes = b"{}", **scope: str) -> AWSRequest:
        """A request, signed for the URL as AWS has it."""
        service, region = scope.get("service", "lambda"), scope.get("region", RECOVERY)
        return function_url.signed(self.url + path, keys, region, "POST", body, service)

    def send(self, request: AWSRequest) -> tuple[int, dict, dict]:
        """Send it to the emulator's address: status, headers and document."""
        answer = function_url.send(request, self.emulator.url)
        return answer.status, answer.headers, answer.document

    def counted(self, metric: str) -> float:
        """The sum of one of the URL's metrics."""
        found = self.emulator.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": self.function_name}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in found)


def user(emulator: Emulator, name: str, policy: dict | None = CALLER_POLICY) -> Credentials:
    """An IAM user with an access key."""
    iam = emulator.client("iam")
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="callers", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def test_a_signed_request_reaches_the_function_with_its_caller(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    keys = user(emulator, name)
    status, headers, event = url.send(url.signed(keys, body=b'{"plan": "shop"}'))
    assert (status, headers["x-mine"]) == (202, "yes")
    assert (event["version"], event["rawPath"], event["body"]) == ("2.0", "/runs", '{"plan": "shop"}')
    iam = event["requestContext"]["authorizer"]["iam"]
    assert iam["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    assert (iam["accessKey"], iam["accountId"]) == (keys.access_key, ACCOUNT)
    assert (url.counted("UrlRequestCount"), url.counted("Url4xxCount")) == (1, 0)


def test_the_dummy_credentials_are_the_account_s_own(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    _, _, event = url.send(url.signed(Credentials("test", "test")))
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_an_assumed_role_is_its_session_and_needs_its_token(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    iam = emulator.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="callers", PolicyDocument=json.dumps(CALLER_POLICY))
    keys = emulator.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="ana")["Credentials"]
    session = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    _, _, event = url.send(url.signed(session))
    expected = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/ana"
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == expected
    assert url.send(url.signed(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])))[0] == 403


def test_what_is_not_signed_is_forbidden_and_counted(emulator: Emulator, name: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    url = Url.of(emulator, name, f"def handle(event):\n    open({str(ran)!r}, 'x').close()\n    return {{}}")
    for headers in ({}, {"Authorization": "Bearer abc"}, {"Authorization": "AWS4-HMAC-SHA256"}):
        status, answered, document = url.send(AWSRequest("POST", f"{url.url}/runs", data=b"{}", headers=headers))
        assert (status, document) == (403, {"Message": "Forbidden"}), headers
        assert answered["x-amzn-ErrorType"] == "AccessDeniedException"
    assert (url.counted("UrlRequestCount"), url.counted("Url4xxCount")) == (3, 3)
    assert not ran.exists(), "refused before the function runs"
    assert url.send(url.signed(Credentials("test", "test")))[0] == 200
    assert ran.exists()


def test_what_is_wrongly_signed_is_refused_and_counted(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    keys = user(emulator, name)
    stranger = Credentials("AKIAIOSFODNN7EXAMPLE", keys.secret_key)
    forged = Credentials(keys.access_key, "wrong")
    old = url.signed(keys)
    earlier = (datetime.now(UTC) - timedelta(minutes=20)).strftime("%Y%m%dT%H%M%SZ")
    old.headers.replace_header("X-Amz-Date", earlier)
    elsewhere = url.signed(keys)
    elsewhere.url = elsewhere.url.replace("a=1", "a=2")
    garbled = url.signed(keys)
    garbled.headers.replace_header("Authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host")
    changed = url.signed(keys)
    changed.data = b'{"plan": "another"}'
    wrong = [
        (url.signed(forged), "InvalidSignatureException"),
        (changed, "InvalidSignatureException"),
        (elsewhere, "InvalidSignatureException"),
        (old, "InvalidSignatureException"),
        (url.signed(keys, service="execute-api"), "InvalidSignatureException"),
        (url.signed(keys, region="us-east-1"), "InvalidSignatureException"),
        (url.signed(stranger), "UnrecognizedClientException"),
        (garbled, "IncompleteSignatureException"),
    ]
    for request, error_type in wrong:
        status, headers, document = url.send(request)
        assert (status, headers["x-amzn-ErrorType"]) == (403, error_type), document
        assert "message" in document
    assert url.counted("Url4xxCount") == len(wrong)
    assert url.send(url.signed(keys))[0] == 202, "the same caller, rightly signed"


def test_a_caller_needs_both_permissions(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    first, second = CALLER_POLICY["Statement"]
    direct = {**second, "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}}
    for number, statements in enumerate(([], [first], [second], [first, direct])):
        policy = {**CALLER_POLICY, "Statement": statements} if statements else None
        keys = user(emulator, f"{name}-{number}", policy)
        assert url.send(url.signed(keys))[::2] == (403, {"Message": "Forbidden"}), statements
    assert url.send(url.signed(user(emulator, name)))[0] == 202


def test_a_key_that_was_made_inactive_is_out(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    keys = user(emulator, name)
    assert url.send(url.signed(keys))[0] == 202
    emulator.client("iam").update_access_key(UserName=name, AccessKeyId=keys.access_key, Status="Inactive")
    assert url.send(url.signed(keys))[0] == 403


def test_a_url_without_authentication_tells_of_nobody(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name, auth_type="NONE")
    for request in (AWSRequest("POST", f"{url.url}/runs", data=b"{}"), url.signed(user(emulator, name))):
        status, _, event = url.send(request)
        assert (status, event["requestContext"]["accountId"]) == (202, "anonymous")
        assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(("answer", "counts"), [(200, (0, 0)), (404, (1, 0)), (503, (0, 1))])
def test_the_function_s_own_answers_are_counted_by_their_status(
    emulator: Emulator, name: str, answer: int, counts: tuple[int, int]
) -> None:
    url = Url.of(emulator, name, STATUS)
    assert url.send(url.signed(Credentials("test", "test"), path=f"/{answer}"))[0] == answer
    assert (url.counted("Url4xxCount"), url.counted("Url5xxCount")) == counts


def test_an_alarm_on_refused_requests_rings(emulator: Emulator, name: str) -> None:
    url = Url.of(emulator, name)
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        MetricName="Url4xxCount",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    for _ in range(3):
        url.send(AWSRequest("GET", f"{url.url}/runs/x"))

    def state() -> str:
        return cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]

    eventually(lambda: state() == "ALARM", within_seconds=60)
