"""The modes of a run whose calls fail: what comes before it, and from which Region to which it leads."""

from dataclasses import dataclass

from ..naming import Regions


@dataclass(frozen=True)
class Mode:
    """A mode, as a run is started in it."""

    name: str
    #: Whether the primary dies before the run; otherwise the run is planned, and loses nothing.
    disaster: bool = False
    #: Whether it leads home: then the workload was failed over, mended and protected before, without any fault.
    homeward: bool = False

    def leads(self, regions: Regions) -> tuple[str, str]:
        """The Region that is left, and the one that is entered."""
        return (regions.recovery, regions.primary) if self.homeward else (regions.primary, regions.recovery)


MODES = {
    mode.name: mode for mode in (Mode("failover", disaster=True), Mode("switchover"), Mode("failback", homeward=True))
}
