"""The fingerprints of what computes each table, as a file to read. Run as a module, it writes that file again.

It prints what was in the file before: code that was only rewritten goes into `SAME` with these lines.
"""

import json
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("fingerprints.json")


def fingerprints() -> dict[str, dict[str, str]]:
    """Return the fingerprints of every part of each table that is computed, by SQL name."""
    from assets_tests.stocks import COMPUTED, computed_by  # noqa: PLC0415 (only when it is needed)

    return {table.sql_name: dict(computed_by(table)) for table in COMPUTED}


def changes(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the former fingerprint and that of now, of each part that is in both and changed."""
    return {
        was: now[table][part]
        for table, parts in before.items()
        for part, was in parts.items()
        if now.get(table, {}).get(part, was) != was
    }


if __name__ == "__main__":
    found = fingerprints()
    if SNAPSHOT.exists():
        for was, is_now in changes(json.loads(SNAPSHOT.read_text()), found).items():
            print(f'    "{was}": "{is_now}",')  # noqa: T201 (what it is run for)
    SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
