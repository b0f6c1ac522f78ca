"""CloudFormation: a SAM template with what our own template asks for, and every property really kept."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from io import BytesIO

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator, eventually
from function_zip import function_zip

ECHO = """
def handle(event):
    return {'format': os.environ['AWS_LAMBDA_LOG_FORMAT'], 'event': event}
"""

TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Code: {Type: String}
  AlarmNames: {Type: CommaDelimitedList}
  Seconds: {Type: Number, Default: 20}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: {Version: '2012-10-17', Statement: []}}
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub '/pilot/${AWS::StackName}', RetentionInDays: 30}
  DeadLetters: {Type: AWS::SQS::Queue}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {KmsMasterKeyId: !Ref Key}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !Ref Key}
      TimeToLiveSpecification: {AttributeName: expiresAt, Enabled: true}
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - {ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: !Ref Key}, BucketKeyEnabled: true}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, RestrictPublicBuckets: true}
  StopCheck:
    Type: AWS::Route53::HealthCheck
    Properties:
      HealthCheckConfig:
        {Type: HTTP, IPAddress: 127.0.0.1, Port: 8080, ResourcePath: /x, RequestInterval: 10, Inverted: true}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Architectures: [arm64]
      Handler: bootstrap
      Timeout: !Ref Seconds
      CodeUri: {Bucket: !Select [0, !Split ['/', !Ref Code]], Key: !Select [1, !Split ['/', !Ref Code]]}
      LoggingConfig: {LogFormat: JSON, LogGroup: !Ref Logs}
      Tracing: Active
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt DeadLetters.Arn}
      EventInvokeConfig: {MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 300}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {Function: !GetAtt Function.Arn}
      Definition:
        QueryLanguage: JSONata
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::lambda:invoke
            Arguments: {FunctionName: '${Function}', Payload: '{% $states.input %}'}
            Output: '{% $states.result.Payload %}'
            End: true
      Policies: [{LambdaInvokePolicy: {FunctionName: !Ref Function}}]
      Tracing: {Enabled: true}
      Events:
        Alarm:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.cloudwatch], detail: {alarmName: !Ref AlarmNames, state: {value: [ALARM]}}}
            DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}
            RetryPolicy: {MaximumRetryAttempts: 4}
Outputs:
  Table: {Value: !Ref Table}
  Bucket: {Value: !Ref Bucket}
  Function: {Value: !Ref Function}
  Machine: {Value: !Ref Machine}
  StopCheck: {Value: !Ref StopCheck}
"""


def deploy(emulator: Emulator, name: str, seconds: int) -> dict[str, str]:
    """Create or update the stack through a change set, as `sam deploy` does, and tell its outputs."""
    client = emulator.client("cloudformation")
    exists = any(stack["StackName"] == name for stack in client.describe_stacks()["Stacks"])
    parameters = {"Code": f"{name}-code/function.zip", "AlarmNames": f"{name},another", "Seconds": str(seconds)}
    change_set = client.create_change_set(
        StackName=name,
        ChangeSetName=f"c{seconds}",
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateBody=TEMPLATE,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )["Id"]
    eventually(lambda: client.describe_change_set(ChangeSetName=change_set)["Status"] == "CREATE_COMPLETE")
    client.execute_change_set(ChangeSetName=change_set)
    wanted = "UPDATE_COMPLETE" if exists else "CREATE_COMPLETE"
    stack = eventually(
        lambda: (s := client.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"] == wanted and s, 30
    )
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_stack_is_created_with_all_its_properties_works_and_is_updated(emulator: Emulator, name: str) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=f"{name}-code", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    code = function_zip(
        "def handle(event):\n    return {'format': os.environ['AWS_LAMBDA_LOG_FORMAT'], 'event': event}"
    )
    s3.put_object(Bucket=f"{name}-code", Key="function.zip", Body=BytesIO(code))
    outputs = deploy(emulator, name, 20)

    dynamodb, function = emulator.client("dynamodb"), emulator.client("lambda")
    table = dynamodb.describe_table(TableName=outputs["Table"])["Table"]
    assert table["DeletionProtectionEnabled"] and table["SSEDescription"]["SSEType"] == "KMS"
    backups = dynamodb.describe_continuous_backups(TableName=outputs["Table"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName=outputs["Table"])["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}
    rule = s3.get_bucket_encryption(Bucket=outputs["Bucket"])["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and rule["BucketKeyEnabled"]
    assert s3.get_bucket_versioning(Bucket=outputs["Bucket"])["Status"] == "Enabled"
    check = emulator.client("route53").get_health_check(HealthCheckId=outputs["StopCheck"])["HealthCheck"]
    assert check["HealthCheckConfig"]["Inverted"] is True and check["HealthCheckConfig"]["Port"] == 8080

    def configuration() -> dict:
        return function.get_function_configuration(FunctionName=outputs["Function"])

    assert configuration()["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:ap-southeast-1:")
    run_by_alarm(emulator, name, outputs["Machine"])

    assert deploy(emulator, name, 25)["Function"] == outputs["Function"]
    assert configuration()["Timeout"] == 25 and "DeadLetterConfig" in configuration()


def run_by_alarm(emulator: Emulator, name: str, machine: str) -> None:
    """An alarm's event starts the machine, which calls the function."""
    cloudwatch, states = emulator.client("cloudwatch"), emulator.client("stepfunctions")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Any",
        MetricName="Any",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    run = eventually(lambda: states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"])[0]
    output = json.loads(states.describe_execution(executionArn=run["executionArn"])["output"])
    assert output["format"] == "JSON" and output["event"]["detail"]["alarmName"] == name


def test_an_object_is_there_or_not_for_an_unsigned_reader(emulator: Emulator, name: str) -> None:

    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    url = f"{emulator.url}/{name}/stop/pilot-light"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(url, timeout=60)
    assert error.value.code == 404
    s3.put_object(Bucket=name, Key="stop/pilot-light", Body=b"stop", IfNoneMatch="*")
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.status == 200
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=name, Key="stop/pilot-light", Body=b"again", IfNoneMatch="*")
