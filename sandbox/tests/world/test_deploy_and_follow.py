"""Staging for `sam deploy`, and telling the run that does the work from those that the lease refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pilot_sandbox import deploy
from pilot_sandbox.following import Execution, leading
from pilot_sandbox.naming import InvalidName, Names
from pilot_sandbox.paths import SandboxPaths

_TEMPLATE = """Resources:
  One: {Type: x}
    CodeUri: target/lambda/open-run/
    CodeUri: target/lambda/promote-db/
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "template.yaml").write_text(_TEMPLATE)
    (tmp_path / "target" / "debug").mkdir(parents=True)
    (tmp_path / "target" / "debug" / "open-run").write_bytes(b"open-run binary")
    (tmp_path / "statemachine").mkdir()
    (tmp_path / "statemachine" / "failover.asl.json").write_text("{}")
    return tmp_path


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxPaths:
    monkeypatch.setattr("pilot_sandbox.paths.OUT", tmp_path / "out")
    return SandboxPaths("staged")


def test_functions_that_are_not_built_are_named_and_nothing_is_staged(repository: Path, paths: SandboxPaths) -> None:
    with pytest.raises(deploy.DeployFailed, match="not built: promote-db; nothing was deployed"):
        deploy.stage(paths, repository)
    assert not paths.stage.exists()


def test_the_template_is_staged_byte_for_byte_with_native_binaries(repository: Path, paths: SandboxPaths) -> None:
    (repository / "target" / "debug" / "promote-db").write_bytes(b"promote-db binary")
    folder = deploy.stage(paths, repository)
    assert (folder / "template.yaml").read_bytes() == (repository / "template.yaml").read_bytes()
    assert (folder / "statemachine" / "failover.asl.json").exists()
    assert (folder / "target" / "lambda" / "promote-db" / "bootstrap").read_bytes() == b"promote-db binary"


def test_a_staged_program_has_no_symbols_and_still_runs(repository: Path, paths: SandboxPaths) -> None:
    source = repository / "main.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("runs"); }\n')
    binary = repository / "target" / "debug" / "promote-db"
    subprocess.run(["cc", "-g", "-o", binary, source], check=True)  # Rust links with it
    staged = deploy.stage(paths, repository) / "target" / "lambda" / "promote-db" / "bootstrap"
    assert subprocess.run([staged], check=True, capture_output=True, text=True).stdout == "runs\n"
    assert staged.stat().st_size < binary.stat().st_size


def test_the_real_template_s_functions_are_all_found() -> None:
    template = (deploy.REPOSITORY / "template.yaml").read_text()
    assert len(deploy._CODE_FOLDER.findall(template)) == template.count("AWS::Serverless::Function") > 0


def _execution(name: str, status: str, error: str | None = None) -> Execution:
    return Execution(f"arn:aws:states:r:1:execution:m:{name}", status, 0.0, None, error)


def test_the_run_that_works_leads_whatever_the_order() -> None:
    refused, stuck = _execution("a", "FAILED", "Refused"), _execution("b", "FAILED", "Stuck")
    running, succeeded = _execution("c", "RUNNING"), _execution("d", "SUCCEEDED")
    assert leading([refused, running]).run_id == "c"
    assert leading([refused, stuck]).run_id == "b"
    assert leading([refused, running, succeeded]).run_id == "d"


@pytest.mark.parametrize("name", ["", "A", "1a", "a--b", "a-", "a/b", "../x", "x" * 41])
def test_names_that_cannot_be_resource_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        Names(name)
