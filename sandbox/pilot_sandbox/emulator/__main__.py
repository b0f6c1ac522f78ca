"""Start emulated AWS on loopback and serve until the parent process ends."""

from __future__ import annotations

import os
import sys

from .lifetime import end_also, end_functions_at_exit, end_with_parent
from .settings import MINISTACK_ENVIRONMENT, Settings, SettingsError, read_settings, require_packages
from .world_hooks import World


def main() -> None:
    """Start the emulator with every gap closed."""
    end_with_parent()
    try:
        require_packages()
        settings = read_settings()
    except SettingsError as error:
        sys.exit(f"emulator not started: {error}")
    # ministack reads its own environment while it is imported, so this comes first.
    os.environ.update(MINISTACK_ENVIRONMENT)
    os.environ["GATEWAY_PORT"] = str(settings.gateway_port)
    _install_shims(settings)
    end_functions_at_exit()

    from ministack.app import main as serve

    sys.argv = sys.argv[:1]
    serve()


def _install_shims(settings: Settings) -> None:
    # Imported here, not above: each of these imports ministack.
    from . import (
        alarms,
        backup,
        cloudformation,
        dynamodb_tables,
        emf,
        events,
        function_urls,
        functions,
        load_balancers,
        parameter_groups,
        rds_tags,
        route53,
        schedules,
        start_execution,
        stepfunctions,
    )
    from .application_autoscaling import ApplicationAutoScaling
    from .aurora_automatic import AutomaticFailover
    from .aurora_clusters import ClusterShim
    from .aurora_failover import FailoverShim
    from .aurora_global import GlobalShim
    from .aurora_moves import Mover
    from .aurora_point_in_time import PointInTimeShim
    from .aurora_snapshots import SnapshotShim
    from .aurora_writer import WriterShim
    from .automation import AutomationShim
    from .autoscaling import GroupShim
    from .build_run import BuildSettings
    from .cache_global import CacheGlobalShim
    from .cache_groups import CacheGroupShim
    from .codebuild import BuildShim
    from .doors import DoorKeeper
    from .dynamodb_point_in_time import TablePointInTimeShim
    from .ecs_services import ServiceShim
    from .function_concurrency import ConcurrencyShim
    from .rds_deletion import DeletionShim
    from .rds_modify import ModifyShim
    from .rds_promotion import PromotionShim
    from .rds_rename import RenameShim
    from .rds_replica import ReplicaShim
    from .rds_snapshots import InstanceSnapshotShim
    from .recovery_cluster import RecoveryCluster
    from .recovery_config import RecoveryConfig
    from .recovery_records import RecoveryRecords

    world = World(settings.world_url)
    functions.install(settings.function_endpoint_url)
    ConcurrencyShim(world).install()
    function_urls.install()
    emf.install()
    events.install()
    schedules.install(settings.schedule_minute_seconds)
    alarms.install()
    ReplicaShim(world).install()
    PromotionShim(world).install()
    ModifyShim(world).install()
    RenameShim(world).install()
    InstanceSnapshotShim(world).install()
    DeletionShim(world).install()
    rds_tags.install()
    parameter_groups.install()
    # After the shims of instances: an instance of a cluster is shown and changed by way of these.
    writers = WriterShim(world)
    for shim in (GlobalShim(world), ClusterShim(world), SnapshotShim(world), writers):
        shim.install()
    AutomaticFailover(world, writers).start()
    FailoverShim(world, Mover(world)).install()
    PointInTimeShim(world).install()
    dynamodb_tables.install()
    TablePointInTimeShim(world).install()
    GroupShim(world).install()
    ServiceShim(world).install()
    ApplicationAutoScaling(world).install()
    caches = CacheGroupShim(world)
    caches.install()
    CacheGlobalShim(world, caches).install()
    load_balancers.install()
    DoorKeeper(world).start()
    route53.install(world)
    switches = RecoveryRecords()
    RecoveryConfig(switches).install()
    RecoveryCluster(world, switches).install()
    backup.BackupShim(world).install()
    cloudformation.install()
    stepfunctions.install()
    AutomationShim(settings.function_endpoint_url).install()
    builds = BuildShim(BuildSettings(settings.function_endpoint_url, settings.build_minute_seconds))
    builds.install()
    end_also(builds.end_all)
    start_execution.install()


if __name__ == "__main__":
    main()
