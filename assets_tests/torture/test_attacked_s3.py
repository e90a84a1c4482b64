"""A lake on S3 that is attacked: what others put into it, an older copy, a listing that lags, and puts refused."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, lake_of, stored_tables
from assets_tests.s3_server import S3Server
from assets_tests.torture.hostile_s3 import HostileS3, hostile, is_conditional_put
from assets_tests.torture.striking import checked, require_well, result_of
from pipeline.lake.delta.log_entries import entry_name
from pipeline.lake.integrity.damage import Kind
from pipeline.lake.lake import Lake

BACKFILL = ("backfill", "--start", str(DAYS[0]), "--end", str(DAYS[1]))

BARS, CANDIDATES = "stocks/daily_bars", "stocks/candidates"


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[HostileS3]:
    with hostile(s3_server) as ready:
        yield ready


@pytest.fixture
def filled(whole: Market, s3_server: S3Server, proxy: HostileS3, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a home whose lake lies behind the proxy, filled by one run."""
    on_s3 = s3_server.lake_settings() | {"lake_endpoint": proxy.endpoint}
    settings = replace(whole, new_lake=lambda: on_s3).bare_home(request.node.name)
    whole.publish(OLD)
    whole.run(settings)
    whole.publish(NEW)
    return settings


def test_a_foreign_entry_in_a_log_is_reported_and_the_next_run_makes_its_sessions_again(
    whole: Market, filled: dict[str, Any]
) -> None:
    lake = lake_of(filled)
    lake.open_to_write(BARS).delete(f"session = '{DAYS[0]}'")
    found = checked(filled)
    assert found.tables[BARS].unrecorded == [lake.open_named(BARS).version()]
    assert {damage.kind for damage in found.damages} == {Kind.ROWS}
    require_well(whole, filled, ("verify", "--repair"), BACKFILL, ("verify",))
    assert_agree(stored_tables(filled), NEW)


def test_junk_in_the_place_of_the_next_entry_is_damage_that_a_repair_ends(
    whole: Market, filled: dict[str, Any]
) -> None:
    lake = lake_of(filled)
    following = lake.open_named(CANDIDATES).version() + 1
    lake.objects.put(f"{CANDIDATES}/{entry_name(following)}", b'{"junk":')
    code, output = result_of(whole, filled, *BACKFILL)
    assert code == 1
    assert "Traceback" not in output
    require_well(whole, filled, ("verify", "--repair"), BACKFILL, ("verify",))
    assert_agree(stored_tables(filled), NEW)


def test_an_older_copy_of_a_table_is_noticed_and_made_good(whole: Market, filled: dict[str, Any]) -> None:
    lake = lake_of(filled)
    older = {name: lake.objects.read(name) for name in lake.objects.names(f"{BARS}/")}
    whole.run(filled)
    assert_agree(stored_tables(filled), NEW)
    for name in list(lake.objects.names(f"{BARS}/")):
        if name not in older:
            lake.objects.move(name, f"elsewhere/{name}")
    for name, body in older.items():
        lake.objects.put(name, body or b"")
    restated = result_of(whole, filled, "restate", "--dry-run")
    assert "Every indicator follows" not in restated[1], "made from versions that are not there any more"
    code, output = result_of(whole, filled, "verify")
    require_well(whole, filled, BACKFILL, ("restate",), ("verify", "--repair"), ("verify",))
    assert_agree(stored_tables(filled), NEW)
    assert "Traceback" not in output, code


def test_a_listing_that_lags_loses_and_doubles_nothing(whole: Market, filled: dict[str, Any], proxy: HostileS3) -> None:
    lake = lake_of(filled)
    newest = {name: lake.open_named(name).version() for name in lake.tables()}
    proxy.hides = lambda key: any(key.endswith(f"{name}/{entry_name(at)}") for name, at in newest.items())
    code, output = result_of(whole, filled, *BACKFILL)
    assert proxy.hidden
    assert "Traceback" not in output
    assert code in {0, 1}
    found = checked(filled)
    assert found.damages == [], "by an older version, at the worst"
    proxy.hides = lambda _: False
    require_well(whole, filled, BACKFILL, ("verify",))
    assert_agree(stored_tables(filled), NEW)


def test_conditional_puts_that_are_refused_leave_everything_as_it_was(
    whole: Market, filled: dict[str, Any], proxy: HostileS3
) -> None:
    before = stored_tables(filled)
    proxy.refuses = is_conditional_put
    code, output = result_of(whole, filled, *BACKFILL)
    assert code == 1
    assert proxy.refused
    assert "Traceback" not in output
    assert all(rows.equals(before[name]) for name, rows in stored_tables(filled).items())
    assert checked(filled).damages == []
    proxy.refuses = lambda _: False
    require_well(whole, filled, BACKFILL, ("verify",))
    assert_agree(stored_tables(filled), NEW)
    assert Lake(lake_of(filled).store.place).tables()  # type: ignore[attr-defined]
