"""Lambda: what surrounds a function's process in the sandbox."""

from __future__ import annotations

import os
import re

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# Of the emulator's own environment a function sees only what any process needs. Above all no AWS_* of the machine:
# a profile or a real credential there would be used.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "LLVM_PROFILE_FILE")
# What ministack's environment for a function is made of; everything else in it is inherited.
_RUNTIME_KEYS = (
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
)


def install(endpoint_url: str) -> None:
    """Give functions the endpoint, Region and credentials of the sandbox, and name a death at start as AWS does."""
    make_environment = lambda_svc._provided_worker_env

    def environment(config: dict, code_dir: str, port: int) -> dict[str, str]:
        made = make_environment(config, code_dir, port)
        region = config["FunctionArn"].split(":")[3]
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            **{name: made[name] for name in _RUNTIME_KEYS if name in made},
            **lambda_svc._runtime_env_vars(config),
            **_logging_variables(config),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # The access key is the account id: ministack reads the account from it.
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Every call then says which function made it.
            "AWS_SDK_UA_APP_ID": _short_name(config["FunctionName"]),
        }

    lambda_svc._provided_worker_env = environment
    _name_death_at_start()


def _short_name(function_name: str) -> str:
    """`pilot-light-PromoteDbFunction-1A2B3C` is `promote-db`."""
    found = re.search(r"-([A-Za-z]+)Function-", function_name)
    return re.sub(r"(?<!^)(?=[A-Z])", "-", found.group(1)).lower() if found else function_name[:50]


def _logging_variables(config: dict) -> dict[str, str]:
    """How the function's LoggingConfig reaches its runtime on AWS; ministack leaves it out."""
    logging_config = config.get("LoggingConfig") or {}
    name = config.get("FunctionName", "")
    variables = {
        "AWS_LAMBDA_LOG_GROUP_NAME": logging_config.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_FORMAT": logging_config.get("LogFormat") or "Text",
    }
    if logging_config.get("ApplicationLogLevel"):
        variables["AWS_LAMBDA_LOG_LEVEL"] = logging_config["ApplicationLogLevel"]
    return variables


def _name_death_at_start() -> None:
    # A function that dies before it first asks for work is Runtime.ExitError on AWS; ministack says Runtime.Unknown,
    # which no state machine would retry.
    await_init = lambda_runtime.ProvidedWorker._await_init

    def await_init_named(worker: lambda_runtime.ProvidedWorker, init_timeout: float | None = None) -> None:
        try:
            await_init(worker, init_timeout)
        except (lambda_runtime.ProvidedInitTimeout, lambda_runtime.ProvidedRuntimeError):
            raise
        except RuntimeError as error:
            raise lambda_runtime.ProvidedRuntimeError(str(error), "Runtime.ExitError") from error

    lambda_runtime.ProvidedWorker._await_init = await_init_named
