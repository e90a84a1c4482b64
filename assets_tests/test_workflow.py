"""The workflow on GitHub runs what must pass, on every Python that the package allows."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def test_the_workflow_runs_ci_on_every_python_that_the_package_allows() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["everything"]
    assert job["steps"][-1] == {"run": ".ci/run"}
    versions = job["strategy"]["matrix"]["python"]
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    first, *_, last = versions
    assert allowed == f">={first},<3.{int(last.removeprefix('3.')) + 1}"
    assert versions == [f"3.{minor}" for minor in range(int(first[2:]), int(last[2:]) + 1)]


@pytest.mark.parametrize(("user", "begin"), [("0", ""), ("1000", "sudo ")])
def test_what_the_system_lacks_is_installed_with_sudo_unless_by_root(tmp_path: Path, user: str, begin: str) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    log = tmp_path / "log"
    programs = {
        "bin/id": f"echo {user}",
        **{f"bin/{name}": f'echo "{name} $*" >> "{log}"' for name in ("sudo", "apt-get")},
        **dict.fromkeys(("bin/make", "bin/python3", "bin/cc", "bin/chromedriver", ".venv/bin/dagster"), ":"),
    }
    for name, line in programs.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o700)
    (tmp_path / "bin/dirname").symlink_to(str(shutil.which("dirname")))
    run = [str(shutil.which("bash")), ".ci/run"]
    subprocess.run(run, cwd=tmp_path, env={"PATH": str(tmp_path / "bin")}, check=True, capture_output=True)  # noqa: S603 (our own)
    assert log.read_text().splitlines() == [
        f"{begin}apt-get update -qq",
        f"{begin}apt-get install -y -qq --no-install-recommends chromium",
    ]
