"""What Route 53 would answer: pure functions over a snapshot of the hosted zones, no network and no clock."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from dnslib import AAAA, CNAME, MX, NS, QTYPE, RCODE, RD, RR, SOA, SRV, TXT, A, DNSRecord

# Chains longer than this are a loop in the zone.
_CNAME_DEPTH_MAX = 8
# Route 53 answers alias records of other services with 60 s; the sandbox's own aliases get the same.
_ALIAS_TTL_SECONDS = 60

IsHealthy = Callable[[str], bool]
#: Draws a whole number from 0 up to, and without, the one given: what decides between weighted records.
Draw = Callable[[int], int]


class UnsupportedRecord(ValueError):
    """A record of a kind that the sandbox's DNS does not answer as Route 53 would."""


@dataclass(frozen=True)
class RecordSet:
    """One resource record set: simple, one of a failover pair, or one of several with weights."""

    name: str
    type: str
    ttl_seconds: int
    values: tuple[str, ...]
    failover: str | None = None
    weight: int | None = None
    health_check_id: str | None = None
    alias_target: str | None = None
    unsupported: str | None = None

    @classmethod
    def from_api(cls, record: dict) -> "RecordSet":
        """Read a ResourceRecordSet as ListResourceRecordSets returns it."""
        unsupported = [
            key
            for key in ("Region", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig")
            if record.get(key) not in (None, False, "")
        ]
        return cls(
            name=record["Name"].lower(),
            type=record["Type"],
            ttl_seconds=int(record.get("TTL", _ALIAS_TTL_SECONDS)),
            values=tuple(value["Value"] for value in record.get("ResourceRecords", ())),
            failover=record.get("Failover"),
            weight=record.get("Weight"),
            health_check_id=record.get("HealthCheckId"),
            alias_target=record["AliasTarget"]["DNSName"].lower().rstrip(".") + "."
            if "AliasTarget" in record
            else None,
            unsupported=unsupported[0] if unsupported else None,
        )


@dataclass
class Zones:
    """A snapshot of all hosted zones, by zone name."""

    records: dict[str, list[RecordSet]] = field(default_factory=dict)

    def zone_of(self, name: str) -> str | None:
        """The most specific zone that holds `name`."""
        fitting = [zone for zone in self.records if name == zone or name.endswith("." + zone)]
        return max(fitting, key=len, default=None)

    def at(self, zone: str, name: str) -> list[RecordSet]:
        """All record sets of one name."""
        return [record for record in self.records[zone] if record.name == name]


def choose(records: list[RecordSet], is_healthy: IsHealthy, draw: Draw = random.randrange) -> RecordSet:
    """Pick the record set that Route 53 would answer with, out of those with the same name and type."""
    for record in records:
        if record.unsupported:
            raise UnsupportedRecord(f"{record.name} {record.type}: {record.unsupported} records are not answered here")

    def healthy(record: RecordSet) -> bool:
        return record.health_check_id is None or is_healthy(record.health_check_id)

    if all(record.weight is not None for record in records):
        return _by_weight([record for record in records if healthy(record)] or records, draw)
    by_role = {record.failover: record for record in records if record.failover}
    primary, secondary = by_role.get("PRIMARY"), by_role.get("SECONDARY")
    if primary is None or secondary is None:
        return primary or secondary or records[0]
    # With nothing healthy to offer, Route 53 answers as if everything were.
    return secondary if not healthy(primary) and healthy(secondary) else primary


def _by_weight(candidates: list[RecordSet], draw: Draw) -> RecordSet:
    """Draw one of the weighted candidates, each as likely as its weight's share of their sum.

    Weight 0 is answered only when no candidate has more, and then each is as likely (developer guide, "Weighted
    routing" and "How Amazon Route 53 chooses records when health checking is configured").
    """
    weighty = [record for record in candidates if record.weight]
    if not weighty:
        return candidates[draw(len(candidates))]
    drawn = draw(sum(record.weight for record in weighty))
    for record in weighty:
        if drawn < record.weight:
            return record
        drawn -= record.weight
    raise AssertionError("a draw is below the sum that it was drawn from")


def answer(query: DNSRecord, zones: Zones, is_healthy: IsHealthy, draw: Draw = random.randrange) -> DNSRecord:
    """Answer one question authoritatively from `zones`."""
    reply = query.reply(aa=1, ra=0)
    name = str(query.q.qname).lower().rstrip(".") + "."
    wanted = QTYPE.get(query.q.qtype)
    zone = zones.zone_of(name)
    if zone is None:
        reply.header.rcode = RCODE.REFUSED
        reply.header.aa = 0
        return reply
    try:
        exists = _follow(reply, zones, zone, name, wanted, lambda records: choose(records, is_healthy, draw))
    except UnsupportedRecord:
        reply.header.rcode = RCODE.SERVFAIL
        return reply
    if not exists:
        reply.header.rcode = RCODE.NXDOMAIN
    if not reply.rr:
        for soa in zones.at(zone, zone):
            if soa.type == "SOA":
                reply.add_auth(*_resource_records(soa, zone))
    return reply


def _follow(
    reply: DNSRecord, zones: Zones, zone: str, name: str, wanted: str, choice: Callable[[list[RecordSet]], RecordSet]
) -> bool:
    """Add the answer for `name`, following CNAMEs inside our zones; False when the first name does not exist."""
    owner = name
    for depth in range(_CNAME_DEPTH_MAX):
        here = zones.at(zone, name)
        if not here:
            # A name with something below it exists, with no data.
            return depth > 0 or any(record.name.endswith("." + name) for record in zones.records[zone])
        fitting = [record for record in here if record.type == wanted]
        if not fitting and wanted != "CNAME":
            fitting = [record for record in here if record.type == "CNAME"]
        if not fitting:
            return True
        chosen = choice(fitting)
        if chosen.alias_target is not None:
            # An alias is resolved inside Route 53: the target's data under the alias's own name.
            name = chosen.alias_target
        else:
            reply.add_answer(*_resource_records(chosen, owner))
            if chosen.type != "CNAME" or wanted == "CNAME":
                return True
            name = owner = chosen.values[0].lower().rstrip(".") + "."
        next_zone = zones.zone_of(name)
        if next_zone is None:
            return True
        zone = next_zone
    raise UnsupportedRecord(f"{owner}: more than {_CNAME_DEPTH_MAX} names in a chain")


def _resource_records(record: RecordSet, owner: str) -> list[RR]:
    return [
        RR(owner, getattr(QTYPE, record.type), rdata=_data(record.type, value), ttl=record.ttl_seconds)
        for value in record.values
    ]


def _data(record_type: str, value: str) -> RD:
    words = value.split()
    match record_type:
        case "A":
            return A(value)
        case "AAAA":
            return AAAA(value)
        case "CNAME":
            return CNAME(value)
        case "NS":
            return NS(value)
        case "TXT":
            return TXT([part for part in value.split('"') if part.strip()])
        case "MX":
            return MX(words[1], int(words[0]))
        case "SRV":
            return SRV(int(words[0]), int(words[1]), int(words[2]), words[3])
        case "SOA":
            return SOA(words[0], words[1], tuple(int(word) for word in words[2:7]))
    raise UnsupportedRecord(f"records of type {record_type} are not answered here")
