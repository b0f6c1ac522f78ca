"""What the launcher of the emulator decides, read once from the environment."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"

# Fixed for every sandbox: ministack would otherwise bind every interface, open more listeners, and look for Docker.
MINISTACK_ENVIRONMENT = {
    "BIND_HOST": LOOPBACK,
    "MINISTACK_HOST": LOOPBACK,
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",
}


class SettingsError(ValueError):
    """The environment does not describe an emulator that can be started."""


@dataclass(frozen=True)
class Settings:
    """The emulator's settings."""

    gateway_port: int
    world_url: str | None
    """Base URL of the world's hooks; without one nothing stands behind the control plane."""
    function_endpoint_url: str
    """What a Lambda function gets as AWS_ENDPOINT_URL: the fault proxy, or the emulator itself."""
    schedule_minute_seconds: float
    """How long one minute of a `rate()` schedule lasts here."""
    build_minute_seconds: float
    """How long one minute of a build's `timeoutInMinutes` lasts here."""


def read_settings() -> Settings:
    """Read the settings, refusing whatever would bind beyond loopback or make no sense."""
    bind_host = os.environ.get("BIND_HOST", LOOPBACK)
    if bind_host != LOOPBACK:
        raise SettingsError(f"BIND_HOST is {bind_host!r}, but the emulator only ever binds {LOOPBACK}")
    port = _positive_number("GATEWAY_PORT", "4566")
    return Settings(
        gateway_port=int(port),
        world_url=(os.environ.get("PILOT_WORLD_URL") or "").rstrip("/") or None,
        function_endpoint_url=os.environ.get("PILOT_FUNCTION_ENDPOINT_URL") or f"http://{LOOPBACK}:{int(port)}",
        schedule_minute_seconds=_positive_number("PILOT_SCHEDULE_MINUTE_SECONDS", "60"),
        build_minute_seconds=_positive_number("PILOT_BUILD_MINUTE_SECONDS", "60"),
    )


def require_packages() -> None:
    """Refuse to start without a package that ministack would only miss later, in the middle of a call."""
    if importlib.util.find_spec("cbor2") is None:
        raise SettingsError(
            "the Python package cbor2 is missing; the Rust SDK speaks CBOR to CloudWatch and would get answers it "
            "cannot read. Install cbor2, or set up the virtual environment anew from sandbox/requirements.txt"
        )


def _positive_number(name: str, default: str) -> float:
    raw = os.environ.get(name) or default
    try:
        value = float(raw)
    except ValueError:
        raise SettingsError(f"{name} is {raw!r}, not a number") from None
    if value <= 0:
        raise SettingsError(f"{name} is {raw!r}, but it must be above zero")
    return value
