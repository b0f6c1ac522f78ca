"""Feeds each function its sample events and holds the answers against the table of expectations."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from .answers import Answer
from .deployed import Function, functions
from .process import QemuProcess
from .runtime_api import RuntimeApi

# Emulation is some ten times slower than the real processor, and the machine may be busy.
_ANSWER_SECONDS = 60.0
_NONSENSE = {"nonsense": True}
_NONSENSE_REFUSAL = "EventInvalid"


def main() -> int:
    """Run the check; 0 only if every function answered every event as expected."""
    parser = argparse.ArgumentParser(prog="tools/run-under-qemu", description=__doc__)
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--events", type=Path, default=Path("events"), help="holds <function>/*.json")
    parser.add_argument("--plans", type=Path, default=Path("examples/plans"))
    parser.add_argument("--expectations", type=Path, default=Path("tools/qemu-expectations.json"))
    parser.add_argument("--logs", type=Path, default=Path("out/qemu"))
    options = parser.parse_args()

    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None:
        print("qemu-aarch64-static is missing; tools/apt-install --arch arm64 qemu-user-static libc6:arm64 installs it")
        return 1
    deployed = functions(options.template)
    expectations = json.loads(options.expectations.read_text())
    gaps = _gaps(deployed, expectations, options.events)
    for gap in gaps:
        print(f"    FAIL  {gap}")
    passed, failed = 0, len(gaps)
    for function in deployed:
        good, bad = _check(qemu, function, expectations.get(function.name, {}), options)
        passed, failed = passed + good, failed + bad
    print(f"qemu: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def _gaps(deployed: list[Function], expectations: dict, events: Path) -> list[str]:
    """What the table leaves out or has too much: no function and no sample event may go unchecked."""
    names = {function.name for function in deployed}
    gaps = [f"{name}: in the expectations, but not in the template" for name in expectations.keys() - names]
    for function in deployed:
        if not function.binary.is_file():
            gaps.append(f"{function.name}: {function.binary} is missing; `make build` makes it")
        listed = set(expectations.get(function.name, {}))
        present = {file.name for file in (events / function.name).glob("*.json")}
        if not present:
            gaps.append(f"{function.name}: no sample event in {events / function.name}/")
        gaps += [f"{function.name}: {name} has no expectation" for name in sorted(present - listed)]
        gaps += [
            f"{function.name}: {name} is expected, but there is no such event" for name in sorted(listed - present)
        ]
    return gaps


def _check(qemu: str, function: Function, expected: dict[str, str], options: argparse.Namespace) -> tuple[int, int]:
    if not function.binary.is_file():
        return 0, 0  # counted as a gap already
    folder = options.events / function.name
    cases = [(name, (folder / name).read_text(), kind) for name, kind in expected.items() if (folder / name).is_file()]
    cases.append(("(nonsense)", json.dumps(_NONSENSE), _NONSENSE_REFUSAL))
    api = RuntimeApi(options.plans)
    passed = 0
    try:
        with QemuProcess(qemu, function, api.address, options.logs / f"{function.name}.log") as process:
            for name, event, kind in cases:
                passed += _feed(api, process, f"{function.name} {name}", event, kind)
    finally:
        api.close()
    return passed, len(cases) - passed


def _feed(api: RuntimeApi, process: QemuProcess, case: str, event: str, expected: str) -> bool:
    started = time.monotonic()
    api.send(event)
    answer = _await_answer(api, process)
    took_ms = round((time.monotonic() - started) * 1000)
    if answer is not None and answer.kind == expected:
        print(f"    ok    {case}: {answer.kind} in {took_ms} ms")
        return True
    if answer is not None:
        what = f"answered {answer.kind} instead of {expected}: {answer.body[:600]}"
    elif process.exit_code() is not None:
        what = f"ended with exit code {process.exit_code()} instead of answering"
    else:
        what = f"gave no answer within {_ANSWER_SECONDS:.0f} s"
    print(f"    FAIL  {case}: {what}\n{process.last_lines(15)}")
    return False


def _await_answer(api: RuntimeApi, process: QemuProcess) -> Answer | None:
    """Wait for the answer, but not for a process that has died."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        answer = api.answer(wait_seconds=0.2)
        if answer is not None:
            return answer
        if process.exit_code() is not None:
            return api.answer(wait_seconds=0.2)
    return None


if __name__ == "__main__":
    sys.exit(main())
