"""The pages of a session: its candidates, and every ticker that is listed or held."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetOut,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    multi_asset,
)

from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.lake.lake import Lake
from pipeline.lake.storage.durable import make_durable
from pipeline.market.market import Market
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import OWNERS, asset_key, stage
from pipeline.progress import Progress
from pipeline.queries.report_rows import ReportRows
from pipeline.queries.report_tables import ReportTables
from pipeline.reports.candidates_page import Around, candidates_page
from pipeline.reports.folder import ReportsFolder, Written
from pipeline.reports.html import candidates_document
from pipeline.reports.index_page import COLUMNS, index_page
from pipeline.reports.shell import ASSETS
from pipeline.reports.ticker_page import ticker_pages
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS

MOST_SESSIONS = 5
"""Newest sessions of a run that get pages: pages of ten years would take hours, and nobody reads them."""


def pages_folder(settings: Settings, market: Market) -> Path:
    """Return the folder of the pages of `market`: that of US stocks is the home's own."""
    return settings.reports if market.venue is US_STOCKS else settings.reports / market.venue.market


def report_keys(market: Market) -> tuple[AssetKey, AssetKey]:
    """Return the asset keys of the candidates pages and of the pages of tickers."""
    first = market.venue.market
    return AssetKey([first, "candidates_report"]), AssetKey([first, "ticker_reports"])


def document_path(folder: Path, session: date) -> Path:
    """Return the path of the page of a session's candidates as one file to send."""
    return folder / session.isoformat() / f"candidates-{session}.html"


PAGES = stage("pages", counts_sessions_as="sessions", most_sessions=MOST_SESSIONS)


def reports_of(market: Market, partitions: SessionPartitions) -> AssetsDefinition:
    """Return the asset of the pages of `market`."""
    candidates_report, ticker_reports = report_keys(market)

    @multi_asset(
        name=f"{market.venue.market}_reports",
        outs={
            "candidates_report": AssetOut(
                key=candidates_report,
                group_name="reports",
                description="Page of a session's candidates: lists, reasons, what is new and gone, what to sell.",
                kinds={"report"},
                owners=OWNERS,
                metadata=PAGES,
            ),
            "ticker_reports": AssetOut(
                key=ticker_reports,
                group_name="reports",
                description="Pages of every ticker that is listed or held: chart, figures, factors, its past on lists.",
                kinds={"report"},
                owners=OWNERS,
                metadata=PAGES,
            ),
        },
        deps=[asset_key(market.candidates), *(asset_key(one) for one in (POSITION_MARKS, SIGNALS) if market.owns(one))],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_reports(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        settings: ResourceParam[Settings],
        progress: ResourceParam[Progress],
    ) -> Iterator[MaterializeResult]:
        """Write the pages of the newest sessions of the run, then the index of all sessions that have pages."""
        folder = ReportsFolder(pages_folder(settings, market))
        sessions = sessions_of(context.partition_keys)[-MOST_SESSIONS:]
        rows = ReportRows(lake, market, sessions)
        for session in progress.track("pages", sessions):
            written = pages_written(market, ReportTables(rows, session), folder, session)
            address = f"{settings.reports_address}/{written.candidates.relative_to(folder.path).as_posix()}"
            page = {"page": MetadataValue.url(address), "bytes": written.size}
            context.add_asset_metadata(page, asset_key=candidates_report, partition_key=str(session))
            context.add_asset_metadata(
                {"pages": len(written.tickers)}, asset_key=ticker_reports, partition_key=str(session)
            )
        folder.write_index(
            index_page(
                lake.scan(market.candidates, columns=COLUMNS).collect(),
                folder.sessions(),
                [model.name for model in market.models],
            )
        )
        make_durable(path for path in (*folder.path.iterdir(), *(folder.path / ASSETS).iterdir()) if path.is_file())
        yield MaterializeResult(asset_key=candidates_report)
        yield MaterializeResult(asset_key=ticker_reports)

    return stock_reports


def pages_written(market: Market, tables: ReportTables, folder: ReportsFolder, session: date) -> Written:
    """Write the page of the session's candidates, for the folder and to send, and the pages of its tickers."""
    page = candidates_page(
        session,
        tables.candidates(),
        models=market.models,
        notices=tables.notices_of_all,
        around=around(session, folder.sessions()),
    )
    tickers = list(dict.fromkeys([*page.tickers, *tables.held()]))
    written = folder.write(page, ticker_pages(session, tickers, tables.tickers(tickers), notices=tables.notices))
    document = document_path(folder.path, session)
    document.write_text(candidates_document(page), encoding="utf-8", errors="replace", newline="\n")
    make_durable([written.candidates, document, *written.tickers])
    return written


def around(session: date, with_page: Sequence[date]) -> Around:
    """Return the sessions before and after `session` that have a page."""
    earlier = [other for other in with_page if other < session]
    later = [other for other in with_page if other > session]
    return Around(max(earlier, default=None), min(later, default=None))
