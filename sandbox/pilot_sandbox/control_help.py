"""What the control server can do, with an example each: the answer to GET /."""

_EXAMPLES = (
    ("POST /primary/app/down", "kill the primary's application processes; its load balancer answers 503", None),
    ("POST /primary/app/up", "start them again", None),
    ("POST /primary/database/down", "stop the primary's PostgreSQL at once, as if its machine had died", None),
    ("POST /primary/database/up", "start it again", None),
    ("POST /primary/network/down", "cut the primary Region off: users, replication and its AWS API", None),
    ("POST /primary/network/up", "connect it again", None),
    (
        "POST /zone/us-east-1a/database/down",
        "kill the database machines and Lambda's environments of one Availability Zone",
        None,
    ),
    ("POST /zone/us-east-1a/database/up", "start them again", None),
    ("POST /primary/down", "all three, but the Region's AWS API goes on answering", None),
    ("POST /primary/up", "all three", None),
    ("POST /data/spoil", "wreck the primary's tables, as a bad release does, while everything runs", None),
    ("POST /backup/take", "do what the backup plan does every hour", None),
    ("POST /probe/network/down", "the functions' HTTP probes fail although the primary is well", None),
    ("POST /probe/network/up", "the probes reach their targets again", None),
    ("POST /recovery-endpoints/us-east-1/down", "a routing control cluster's endpoint there is out of order", None),
    ("POST /recovery-endpoints/us-east-1/up", "it is in order again", None),
    ("GET /delays", "how long the emulated control plane takes", None),
    (
        "POST /delays",
        "change any of them",
        '{"promotionSeconds": 20, "healthCheckIntervalSeconds": 10}',
    ),
    ("POST /replication/lag", "delay the line between the databases", '{"seconds": 30}'),
    ("GET /workloads", "the workloads and their addresses", None),
    ("POST /workloads", "create another seeded workload", '{"name": "pl-two"}'),
    ("DELETE /workloads/pl-two", "end it and remove its resources", None),
    ("GET /client", "what the outside client wrote, and what of it can no longer be read", None),
    ("GET /state", "what is broken now", None),
)


def describe_endpoints(url: str, workloads: list[str]) -> dict:
    """List every endpoint with a curl line to copy."""
    endpoints = []
    for endpoint, meaning, body in _EXAMPLES:
        method, path = endpoint.split(" ")
        words = ["curl", "-s"] + ([] if method == "GET" else [f"-X {method}"])
        if body is not None:
            words.append(f"-d '{body}'")
        endpoints.append({"endpoint": endpoint, "does": meaning, "example": " ".join([*words, url + path])})
    note = "add ?workload=NAME to act on another workload than the first"
    return {"workloads": workloads, "note": note, "endpoints": endpoints}
