"""RDS: parameter groups of instances and of clusters - which there are, for whom, and what waits for a reboot.

ministack knows only the groups that were made, lets any database have any of them, and says of every cluster's that it
is in force. On AWS the default group of every family is there, a group of another family is refused, and a group that
is changed on a running database is `pending-reboot` until its instances are rebooted, whatever ApplyImmediately says
(RDS User Guide, "Working with parameter groups"; Aurora User Guide, the same).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ministack.services import rds

_DEFAULT = "default."
_MEMBER = re.compile(r"<DBClusterMember>.*?</DBClusterMember>", re.DOTALL)
#: On a cluster's record: the instances that have not been rebooted since its group was changed.
_WAITING = "_ParameterGroupWaitsFor"


def install() -> None:
    """Let the default groups be described, and a reboot bring groups into force."""
    actions = rds._ACTION_MAP
    actions["DescribeDBParameterGroups"] = _with_defaults(actions["DescribeDBParameterGroups"], "DBParameterGroup")
    actions["DescribeDBClusterParameterGroups"] = _with_defaults(
        actions["DescribeDBClusterParameterGroups"], "DBClusterParameterGroup"
    )
    actions["RebootDBInstance"] = _noticed(actions["RebootDBInstance"])
    create = rds._create_db_cluster
    rds._create_db_cluster = lambda params: _with_default_group(params, create(params))
    render = rds._cluster_xml
    rds._cluster_xml = lambda cluster: _with_waiting(cluster, render(cluster))


def instance_refusal(params: dict, instance: dict) -> tuple | None:
    """Why an instance cannot get the parameter group that a request names; None where it can, or none is named."""
    name = rds._p(params, "DBParameterGroupName")
    if not name:
        return None
    family = _family(name, rds._param_groups)
    if family is None:
        return rds._error("DBParameterGroupNotFound", f"DBParameterGroup {name} not found.", 404)
    return _family_refusal(name, family, instance)


def cluster_refusal(params: dict, cluster: dict) -> tuple | None:
    """The same of a cluster, whose groups are of their own kind."""
    name = rds._p(params, "DBClusterParameterGroupName")
    if not name:
        return None
    family = _family(name, rds._db_cluster_param_groups)
    if family is None:
        # The shape is DBClusterParameterGroupNotFoundFault, its code is this.
        return rds._error("DBClusterParameterGroupNotFound", f"DBClusterParameterGroup {name} not found.", 404)
    return _family_refusal(name, family, cluster)


def wait_for_reboot(cluster: dict, before: str) -> None:
    """Note that a cluster has another group than `before`: it is in force in each instance once that is rebooted."""
    if cluster["DBClusterParameterGroup"] != before:
        cluster[_WAITING] = [member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]]


def _with_default_group(params: dict, response: tuple) -> tuple:
    """The answer to CreateDBCluster; ministack's default group is of no version, and so of no family."""
    cluster = rds._clusters.get(rds._p(params, "DBClusterIdentifier").lower())
    if response[0] != 200 or cluster is None or rds._p(params, "DBClusterParameterGroupName"):
        return response
    stored, default = cluster["DBClusterParameterGroup"], _DEFAULT + family_of(cluster)
    cluster["DBClusterParameterGroup"] = default
    status, headers, body = response
    shown = body.replace(
        f">{stored}</DBClusterParameterGroup>".encode(), f">{default}</DBClusterParameterGroup>".encode()
    )
    return status, headers, shown


def _family(name: str, made: dict) -> str | None:
    if name.startswith(_DEFAULT):
        return name.removeprefix(_DEFAULT)
    group = made.get(name)
    return group and group["DBParameterGroupFamily"]


def _family_refusal(name: str, family: str, database: dict) -> tuple | None:
    needed = family_of(database)
    if family == needed:
        return None
    message = (
        f"The Parameter Group {name} with DBParameterGroupFamily {family} cannot be used for this instance. "
        f"Please use a Parameter Group with DBParameterGroupFamily {needed}"
    )
    return rds._error("InvalidParameterCombination", message, 400)


def family_of(database: dict) -> str:
    """The family that a database's engine needs: PostgreSQL's are by major version, MySQL's by minor."""
    numbers = database["EngineVersion"].split(".")
    return database["Engine"] + ".".join(numbers[:1] if "postgres" in database["Engine"] else numbers[:2])


def _with_defaults(describe: Callable[[dict], tuple], kind: str) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        name = rds._p(params, f"{kind}Name")
        if not name.startswith(_DEFAULT):
            return describe(params)
        family = name.removeprefix(_DEFAULT)
        group = (
            f"<{kind}><{kind}Name>{name}</{kind}Name><DBParameterGroupFamily>{family}</DBParameterGroupFamily>"
            f"<Description>Default parameter group for {family}</Description></{kind}>"
        )
        action = f"Describe{kind}s"
        return rds._xml(200, f"{action}Response", f"<{action}Result><{kind}s>{group}</{kind}s></{action}Result>")

    return handle


def _noticed(reboot: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        identifier = rds._p(params, "DBInstanceIdentifier")
        response = reboot(params)
        if response[0] == 200:
            for cluster in rds._clusters.values():
                if identifier in cluster.get(_WAITING, []):
                    cluster[_WAITING] = [waiting for waiting in cluster[_WAITING] if waiting != identifier]
        return response

    return handle


def _with_waiting(cluster: dict, xml: str) -> str:
    waiting = cluster.get(_WAITING)
    if not waiting:
        return xml

    def shown(match: re.Match) -> str:
        member = match.group()
        waits = any(f"<DBInstanceIdentifier>{identifier}</DBInstanceIdentifier>" in member for identifier in waiting)
        return member.replace(">in-sync<", ">pending-reboot<") if waits else member

    return _MEMBER.sub(shown, xml)
