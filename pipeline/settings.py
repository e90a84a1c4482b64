"""The user's settings: from the environment, the home's own `settings.env`, then `./.env`."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pipeline.errors import SettingsError
from pipeline.lake.storage.s3_prefix import S3Prefix, s3_prefix
from pipeline.lake.storage.usable_paths import (
    require_usable_home,
    require_usable_lake,
    require_usable_mine,
    require_usable_records,
)
from pipeline.sources.home_places import ADDRESS, FLAT_FILES, HOME_SETTINGS, LAKE, REFERENCE, places_in
from pipeline.venues.us_stocks import US_STOCKS

LAST_DAY = date(max(US_STOCKS.closures), 12, 31)
"""Last day of the exchange's calendar."""

PREFIX = "CANDLELAKE_"

IN_THE_HOME = "home"
"""CANDLELAKE_LAKE for a lake in the folder `lake` of the home, wherever the home is."""

DAGSTER_HOME = "DAGSTER_HOME"
"""Dagster's own setting: another folder for the record of runs."""


class Settings(BaseSettings):
    """Every setting, each as `CANDLELAKE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Path = Field(Path("data"), description="Folder of everything candlelake keeps: lake, runs, samples.")
    lake_address: str = Field(
        IN_THE_HOME,
        validation_alias=f"{PREFIX}LAKE",
        description="Where tables and raw files lie: `home` for <home>/lake, a folder, s3://BUCKET or s3://BUCKET/PREFIX.",
    )
    lake_endpoint: str | None = Field(None, description="S3 endpoint of the lake; else that of AWS in its region.")
    lake_region: str = Field("us-east-1", description="Region of the lake's bucket.")
    lake_key_id: str | None = Field(None, description="Access key id for the lake's bucket.")
    lake_secret: SecretStr | None = Field(None, description="Secret access key for the lake's bucket.")
    flat_files: str = Field(
        "s3://flatfiles",
        description="Where day files come from: s3://BUCKET, a folder in the vendor's layout, or `rest` for none.",
    )
    flat_files_endpoint: str = Field("https://files.massive.com", description="S3 endpoint of the vendor.")
    flat_files_key_id: str | None = Field(None, description="Access key id for the vendor's S3.")
    flat_files_secret: SecretStr | None = Field(None, description="Secret access key for the vendor's S3.")
    rest_url: str = Field("https://api.massive.com", description="Address of the vendor's REST API.")
    rest_key: SecretStr | None = Field(None, description="Key of the vendor's REST API.")
    rest_calls_per_minute: int = Field(
        5,
        ge=1,
        le=1_000_000,
        description="REST calls per minute that the plan allows, counted for all runs of a home together.",
    )
    tickers: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Tickers, with commas between, whose aggregates are requested from REST."
    )
    reference: Path | None = Field(
        None, description="Folder with the vendor's REST answers: splits.json, dividends.json, tickers.json."
    )
    mine_folder: Path | None = Field(
        None,
        validation_alias=f"{PREFIX}MINE",
        description="Folder of your own indicators, models and rules; else <home>/mine.",
    )
    start: date = Field(US_STOCKS.first_session, description="First session of every table.")
    end: date | None = Field(
        None, le=LAST_DAY, description="Last session of every table, for a history that is complete."
    )
    max_bad_share: float = Field(
        0.2, ge=0, le=1, description="Largest share of bad rows in a file before it is refused whole."
    )

    reports_port: int = Field(
        3001, ge=1, le=65535, description="Port of 127.0.0.1 at which `candlelake ui` serves pages."
    )
    retention_days: int = Field(
        30, ge=1, le=36_500, description="Days that earlier versions of the tables stay readable."
    )
    alerts: Annotated[tuple[SecretStr, ...] | None, NoDecode] = Field(
        None, description="Channels that alerts go to: addresses as apprise writes them, with a space between two."
    )
    alerts_top: int = Field(5, ge=1, le=50, description="Candidates of each model that an alert names.")

    @field_validator("alerts", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        """Return the addresses in a text. A comma may be part of an address; white space never is."""
        if isinstance(value, str):
            value = tuple(address.rstrip(",") for address in value.split() if address.rstrip(","))
        for place, address in enumerate(value if isinstance(value, list | tuple) else (), start=1):
            require_one_address(address, place)
        return value or None

    @field_validator("tickers", mode="before")
    @classmethod
    def _ticker_list(cls, value: object) -> object:
        """Return the tickers that a text lists, each once."""
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(name for ticker in value.split(",") if (name := ticker.strip()))) or None

    @property
    def lake(self) -> Path | S3Prefix:
        """Return the place of raw files and tables.

        Raises SettingsError when it is on S3 and the address, endpoint or credentials are invalid.
        """
        if self.lake_address == IN_THE_HOME:
            return self.home / "lake"
        if not ADDRESS.match(self.lake_address):
            return _absolute(Path(self.lake_address), f"{PREFIX}LAKE")
        return s3_prefix(
            self.lake_address,
            endpoint=self.lake_endpoint,
            region=self.lake_region,
            key_id=self.lake_key_id,
            secret=self.lake_secret,
        )

    @property
    def mine(self) -> Path:
        """Return the folder of the user's own declarations."""
        return self.home / "mine" if self.mine_folder is None else _absolute(self.mine_folder, f"{PREFIX}MINE")

    @property
    def rest_calls(self) -> Path:
        """Return the file that counts the REST calls of all runs."""
        return self.home / "rest_calls.sqlite"

    @property
    def reports(self) -> Path:
        """Return the folder of pages."""
        return self.home / "reports"

    @property
    def reports_address(self) -> str:
        """Return the address of the pages while `candlelake ui` runs."""
        return f"http://127.0.0.1:{self.reports_port}"

    @property
    def catalog(self) -> Path:
        """Return the DuckDB file with a view of every table."""
        return self.home / "candlelake.duckdb"


def require_one_address(address: str | SecretStr, place: int) -> None:
    """Return if `address` looks like one address. Raises ValueError, without its text, which contains a secret."""
    text = address.get_secret_value() if isinstance(address, SecretStr) else address
    if not ADDRESS.match(text):
        raise ValueError(f"address {place} does not begin like one, such as tgram://")
    if re.search(rf",{ADDRESS.pattern}", text):
        raise ValueError(f"address {place} holds a comma and a second one; put a space between them")


def load_settings() -> Settings:
    """Return the settings in force.

    Raises SettingsError, naming the variable, when a value is invalid, or a folder that it names is unusable.
    """
    try:
        home = _home(Settings(_env_file=".env"))  # type: ignore[call-arg]
        # Later files win: a home's own settings apply wherever it is used from.
        settings = Settings(_env_file=(".env", home / HOME_SETTINGS))  # type: ignore[call-arg]
        places = _places_of(home)
    except ValidationError as invalid:
        faults = "; ".join(f"{_variable_name(str(e['loc'][0]))}: {e['msg']}" for e in invalid.errors())
        raise SettingsError(
            f"A setting is wrong: {faults}.", remedy="Correct it in the environment or in .env."
        ) from None
    except UnicodeDecodeError as no_text:
        raise SettingsError(
            f"A file of settings is not UTF-8 text (byte {no_text.start}).",
            remedy=f"Look at ./.env and at {HOME_SETTINGS} in the home, and save them as UTF-8.",
        ) from None
    settings = settings.model_copy(update={"home": home, **places})
    _require_usable_places(settings)
    return settings


def _require_usable_places(settings: Settings) -> None:
    """Return if every folder in the settings can be what it is for; nothing is opened or written."""
    if not ADDRESS.match(settings.lake_address):
        require_usable_lake(_resolved(Path(str(settings.lake)), f"{PREFIX}LAKE"))
    require_usable_mine(_resolved(settings.mine, f"{PREFIX}MINE"))
    if records := os.environ.get(DAGSTER_HOME):
        require_usable_records(_absolute(Path(records), DAGSTER_HOME))
    if settings.reference is not None:
        _absolute(settings.reference, REFERENCE)
    if not ADDRESS.match(settings.flat_files):
        _absolute(Path(settings.flat_files), FLAT_FILES)


def _places_of(home: Path) -> dict[str, str | Path]:
    """Return the folders in the home's settings file, by field, unless the environment overrides them."""
    in_environment = {name.upper() for name, value in os.environ.items() if value}
    places = {name: place for name, place in places_in(home).items() if name not in in_environment}
    fields: dict[str, tuple[str, type[str | Path]]] = {
        LAKE: ("lake_address", str),
        FLAT_FILES: ("flat_files", str),
        REFERENCE: ("reference", Path),
    }
    return {fields[name][0]: fields[name][1](place) for name, place in places.items()}


def _variable_name(field: str) -> str:
    return PREFIX + field.upper().removeprefix(PREFIX)


def _home(settings: Settings) -> Path:
    home = _absolute(settings.home, f"{PREFIX}HOME")
    require_usable_home(home)
    return home


def _absolute(path: Path, chosen_by: str) -> Path:
    """Return `path` as an absolute path without `..`: for `missing/../home`, the folder `missing` would be created."""
    try:
        absolute = path.expanduser().absolute()
    except (RuntimeError, OSError, ValueError) as nowhere:
        raise _leads_nowhere(chosen_by, nowhere) from nowhere
    return _resolved(absolute, chosen_by) if ".." in absolute.parts else absolute


def _resolved(path: Path, chosen_by: str) -> Path:
    """Return the absolute `path` behind all links."""
    try:
        return path.resolve()
    except (RuntimeError, OSError, ValueError) as nowhere:
        raise _leads_nowhere(chosen_by, nowhere) from nowhere


def _leads_nowhere(chosen_by: str, why: Exception) -> SettingsError:
    return SettingsError(
        f"{chosen_by} leads nowhere: {why}.", remedy="Set it to the path of a folder, without ~USER or loops."
    )
