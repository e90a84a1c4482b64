"""Looking for secrets in everything that was written: plain, packed, in tables, in databases, and in other clothes."""

import base64
import gzip
import io
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import polars as pl

from assets_tests.commands import Served

Text = tuple[str, bytes]
"""Where something stands, and what."""


def forms(secret: str) -> set[bytes]:
    """Return the secret as it may be written: as it is, quoted, turned round, in hexadecimal, and within base64."""
    plain = secret.encode()
    # The characters at both ends of a text in base64 depend on its neighbours.
    encoded = {base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)}
    return {
        plain, plain[::-1], quote(secret, safe="").encode(), secret.encode("utf-16-le"), plain.hex().encode(), *encoded,
        *(one.replace(b"+", b"-").replace(b"/", b"_") for one in encoded),
    }  # fmt: skip


def texts_under(folder: Path) -> Iterator[Text]:
    """Yield the bytes of every file, and of packed files, tables and databases also what they hold; names as well."""
    for path in folder.rglob("*"):
        where = str(path.relative_to(folder))
        yield where, where.encode()
        if path.is_file():
            content = path.read_bytes()
            yield where, content
            yield from ((where, inner) for inner in contents_of(path, content))


def contents_of(path: Path, content: bytes) -> Iterator[bytes]:
    """Yield what a packed file, a table or a database holds."""
    if content.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(content)
    if content.startswith(b"PAR1"):
        yield repr(pl.read_parquet(io.BytesIO(content)).to_dicts()).encode()
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            yield "\n".join(database.iterdump()).encode()


QUERIES = [
    """{repositoriesOrError {... on RepositoryConnection {nodes {allTopLevelResourceDetails {
        name description configFields {name description} configuredValues {key value type}}}}}}""",
    "{runsOrError {... on Runs {results {runId status runConfigYaml tags {key value}}}}}",
    "{instance {info runLauncher {name}}}",
    "{assetsOrError {... on AssetConnection {nodes {key {path} assetMaterializations(limit: 5) {metadataEntries {"
    "label description ... on TextMetadataEntry {text} ... on PathMetadataEntry {path} "
    "... on UrlMetadataEntry {url} ... on JsonMetadataEntry {jsonString}}}}}}}",
]
LOGS = """query logs($run: ID!) {logsForRun(runId: $run) {... on EventConnection {events {__typename
    ... on MessageEvent {message} ... on ErrorEvent {error {message stack errorChain {error {message stack}}}}}}}}"""


def response_to(address: str, query: str, **variables: Any) -> dict[str, Any]:
    """Return what the UI at `address` answers to a query."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(f"{address}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 (loopback)
    with urlopen(request) as answer:  # noqa: S310
        answered: dict[str, Any] = json.load(answer)
        return answered


def ui_texts(served: Served) -> Iterator[Text]:
    """Yield the UI's answers about resources, runs, assets, and every event of every run."""
    answers = [response_to(served.dagster, query) for query in QUERIES]
    runs = [run["runId"] for run in answers[1]["data"]["runsOrError"]["results"]]
    answers += [response_to(served.dagster, LOGS, run=run) for run in runs]
    yield from (("GraphQL", json.dumps(answer).encode()) for answer in answers)


def command_texts(answers: Mapping[str, CompletedProcess[str]]) -> Iterator[Text]:
    """Yield what commands, by a name for each, wrote to stdout and stderr."""
    for name, answer in answers.items():
        yield f"{name}: stdout", answer.stdout.encode()
        yield f"{name}: stderr", answer.stderr.encode()


def found(secrets: dict[str, str], texts: list[Text]) -> set[tuple[str, str]]:
    """Return which secret, by its name, stands where."""
    written = {name: forms(secret) for name, secret in secrets.items()}
    return {
        (name, where)
        for where, content in texts
        for name, ways in written.items()
        if any(way in content for way in ways)
    }
