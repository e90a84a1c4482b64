"""The workflow on GitHub runs what must pass, on every Python that the package allows."""

import tomllib
from pathlib import Path

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
