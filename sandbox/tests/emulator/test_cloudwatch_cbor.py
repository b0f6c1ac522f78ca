"""CloudWatch over CBOR: the protocol that the Rust SDK speaks, while boto3 would choose JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually


@pytest.fixture
def client(emulator: Emulator) -> BaseClient:
    """A CloudWatch client that knows no other protocol than CBOR."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def load_cbor_only(service: str, type_name: str, api_version: str | None = None) -> dict:
        model = load(service, type_name, api_version)
        if type_name == "service-2":
            model = {**model, "metadata": {**model["metadata"], "protocols": ["smithy-rpc-v2-cbor"]}}
        return model

    loader.load_service_model = load_cbor_only
    made = session.create_client(
        "cloudwatch",
        region_name=RECOVERY,
        endpoint_url=emulator.url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="dummy",
    )
    assert made.meta.service_model.resolved_protocol == "smithy-rpc-v2-cbor"
    return made


def test_alarms_and_metrics_over_cbor(client: BaseClient, name: str) -> None:
    dimensions = [{"Name": "Workload", "Value": name}]
    client.put_metric_alarm(
        AlarmName=name,
        Namespace="PilotLight/Cbor",
        MetricName="ReplicaLag",
        Dimensions=dimensions,
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=60,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    # Breaching with its value as without it: the alarm's state does not depend on where in a period the test began.
    datum = {"MetricName": "ReplicaLag", "Dimensions": dimensions, "Value": 90.5, "Timestamp": datetime.now(UTC)}
    client.put_metric_data(Namespace="PilotLight/Cbor", MetricData=[datum])

    alarm = eventually(
        lambda: (a := client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0])["StateValue"] == "ALARM" and a
    )
    assert alarm["StateUpdatedTimestamp"].tzinfo and alarm["Period"] == 10 and alarm["Dimensions"] == dimensions
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}
    metric = {"Namespace": "PilotLight/Cbor", "MetricName": "ReplicaLag", "Dimensions": dimensions}
    found = client.get_metric_statistics(**metric, **window, Period=60, Statistics=["Maximum"])["Datapoints"]
    assert [point["Maximum"] for point in found] == [90.5]
    query = {"Id": "lag", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    result = client.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"][0]
    assert result["Values"] == [90.5] and len(result["Timestamps"]) == 1


def test_an_error_over_cbor_has_its_name(client: BaseClient, name: str) -> None:
    with pytest.raises(ClientError) as error:
        client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="none there")
    assert error.value.response["Error"]["Code"].startswith("ResourceNotFound")
