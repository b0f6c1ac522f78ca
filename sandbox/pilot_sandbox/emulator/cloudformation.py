"""CloudFormation: properties of our template that ministack takes and then forgets.

Without them the sandbox would show a table without point-in-time recovery, a bucket with another encryption, and
functions without their dead-letter queue - although the template asks for all three.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from ministack.services import dynamodb, lambda_svc, s3
from ministack.services.cloudformation import provisioners


def install() -> None:
    """Apply the forgotten properties after each create and update."""
    _also("AWS::Lambda::Function", _complete_function)
    _also("AWS::DynamoDB::Table", _complete_table)
    _also("AWS::S3::Bucket", _complete_bucket)


def _also(resource_type: str, complete: Callable[[str, dict], None]) -> None:
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handler["create"], handler["update"]

    def create_completely(logical_id: str, props: dict, stack_name: str) -> tuple:
        made = create(logical_id, props, stack_name)
        complete(made[0], props)
        return made

    def update_completely(physical_id: str, old: dict, new: dict, *more: object) -> tuple:
        made = update(physical_id, old, new, *more)
        complete(made[0], new)
        return made

    handler.update(create=create_completely, update=update_completely)


def _complete_function(name: str, props: dict) -> None:
    function = lambda_svc._functions[name]
    if "DeadLetterConfig" in props:
        function["config"]["DeadLetterConfig"] = props["DeadLetterConfig"]
    else:
        function["config"].pop("DeadLetterConfig", None)
    reserved = props.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)


def _complete_table(name: str, props: dict) -> None:
    recovery = props.get("PointInTimeRecoverySpecification") or {}
    enabled = _is_true(recovery.get("PointInTimeRecoveryEnabled"))
    recovery_request = {"TableName": name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}
    _accepted(dynamodb._update_continuous_backups(recovery_request))
    expiry = props.get("TimeToLiveSpecification")
    if expiry:
        specification = {**expiry, "Enabled": _is_true(expiry.get("Enabled", True))}
        dynamodb._ttl_settings.pop(name, None)
        _accepted(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification}))
    encryption = props.get("SSESpecification")
    if encryption:
        # The template says SSEEnabled where the API says Enabled.
        specification = {**encryption, "Enabled": _is_true(encryption.get("SSEEnabled"))}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)


def _complete_bucket(name: str, props: dict) -> None:
    rules = (props.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if rules:
        xml = "".join(_encryption_rule_xml(rule) for rule in rules)
        document = f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{xml}</ServerSideEncryptionConfiguration>'
        _accepted(s3._put_bucket_encryption(name, document.encode()))


def _encryption_rule_xml(rule: dict) -> str:
    default = rule.get("ServerSideEncryptionByDefault") or {}
    key = default.get("KMSMasterKeyID")
    key_xml = f"<KMSMasterKeyID>{escape(str(key))}</KMSMasterKeyID>" if key else ""
    algorithm_xml = f"<SSEAlgorithm>{escape(default.get('SSEAlgorithm', 'AES256'))}</SSEAlgorithm>"
    bucket_key = str(_is_true(rule.get("BucketKeyEnabled"))).lower()
    return (
        f"<Rule><ApplyServerSideEncryptionByDefault>{algorithm_xml}{key_xml}</ApplyServerSideEncryptionByDefault>"
        f"<BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule>"
    )


def _accepted(response: tuple) -> None:
    if response[0] >= 400:
        raise ValueError(response[2].decode("utf-8", errors="replace"))


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"
