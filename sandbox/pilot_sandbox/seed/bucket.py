"""The frontend's versioned bucket, and where S3 replicates it to."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from .context import SeedContext, created_in, unless, wait
from .doors import PrimaryDoors

KEY = "index.html"


@dataclass(frozen=True)
class Bucket:
    """Makes the bucket in the primary Region; see `Part`."""

    #: Whether the recovery Region has another that it is replicated to.
    replicated: bool = False

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create and version every bucket, let S3 replicate, and put the frontend into the primary's."""
        names, primary = context.names, context.regions.primary
        for region in self._regions(context):
            s3 = clients.client("s3", region)
            with unless("BucketAlreadyOwnedByYou"):
                s3.create_bucket(Bucket=names.bucket(region), **created_in(region))
            s3.put_bucket_versioning(Bucket=names.bucket(region), VersioningConfiguration={"Status": "Enabled"})
        s3 = clients.client("s3", primary)
        if self.replicated:
            s3.put_bucket_replication(
                Bucket=names.bucket(primary),
                ReplicationConfiguration={
                    "Role": names.role_arn("replication"),
                    "Rules": [
                        {
                            "ID": "frontend",
                            "Status": "Enabled",
                            "Priority": 1,
                            "Filter": {"Prefix": ""},
                            "DeleteMarkerReplication": {"Status": "Enabled"},
                            "Destination": {"Bucket": f"arn:aws:s3:::{names.bucket(context.regions.recovery)}"},
                        }
                    ],
                },
            )
        s3.put_object(Bucket=names.bucket(primary), Key=KEY, Body=b"<h1>the frontend</h1>", ContentType="text/html")

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait until the frontend is in every bucket."""
        for region in self._regions(context):
            wait(lambda region=region: _without_frontend(clients.client("s3", region), context.names.bucket(region)))

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete every version of every object, and the buckets."""
        for region in self._regions(context):
            s3, bucket = clients.client("s3", region), context.names.bucket(region)
            with unless("NoSuchBucket"):
                listed = s3.list_object_versions(Bucket=bucket)
                for version in (*listed.get("Versions", []), *listed.get("DeleteMarkers", [])):
                    s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
                s3.delete_bucket(Bucket=bucket)

    def _regions(self, context: SeedContext) -> list[str]:
        return list(context.regions) if self.replicated else [context.regions.primary]


def _without_frontend(s3, bucket: str) -> str | None:
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return None if KEY in keys else f"bucket {bucket} has {keys}, not {KEY}"
