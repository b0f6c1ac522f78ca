"""The owner's Lambda function: publishes that the database takes writes. Called under one token until it is done.

It makes two parameters, one a call: `PREFIX/announced` and `PREFIX/published`. It needs `PREFIX/settings`, which is
not its own.
"""

import json

import boto3


def handler(event: dict, _context: object) -> dict:
    """Bring the work of one token a step on, or take it back; answers how far it is."""
    wanted = event["payload"]
    work = _Work(wanted["prefix"], event["token"])
    if event["action"] == "undo":
        return work.undo()
    if event["dryRun"]:
        work.settings()
        return {"status": "done", "message": "would publish"}
    if wanted.get("replica") and _is_replica(wanted["replica"]):
        return {"status": "running", "message": f"waits for {wanted['replica']} to take writes"}
    return work.go_on({key: event[key] for key in ("runId", "mode", "generation", "recoveryRegion")})


class _Work:
    """What is done under one token."""

    def __init__(self, prefix: str, token: str) -> None:
        self._ssm, self._prefix, self._token = boto3.client("ssm"), prefix, token

    def settings(self) -> str:
        """Raises ParameterNotFound, which ends the invocation in an error."""
        return self._ssm.get_parameter(Name=f"{self._prefix}/settings")["Parameter"]["Value"]

    def go_on(self, run: dict) -> dict:
        """Announce, then publish, each once, however often it is called."""
        if self._mine("published"):
            return {"status": "done", "message": "published"}
        if not self._mine("announced"):
            self._put("announced", {"token": self._token})
            return {"status": "running", "message": "announced"}
        self._put("published", {"token": self._token, "settings": self.settings(), **run})
        return {"status": "running", "message": "is being published"}

    def undo(self) -> dict:
        """Remove what this token made, and nothing else."""
        for name in ("announced", "published"):
            if self._mine(name):
                self._ssm.delete_parameter(Name=f"{self._prefix}/{name}")
        return {"status": "done", "message": "nothing is published"}

    def _mine(self, name: str) -> bool:
        try:
            found = self._ssm.get_parameter(Name=f"{self._prefix}/{name}")
        except self._ssm.exceptions.ParameterNotFound:
            return False
        return json.loads(found["Parameter"]["Value"])["token"] == self._token

    def _put(self, name: str, value: dict) -> None:
        self._ssm.put_parameter(Name=f"{self._prefix}/{name}", Value=json.dumps(value), Type="String", Overwrite=True)


def _is_replica(identifier: str) -> bool:
    [instance] = boto3.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    return "ReadReplicaSourceDBInstanceIdentifier" in instance
