"""What a user may set, and where it comes from: the environment, the home's own `settings.env`, then `./.env`."""

from datetime import date
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import SettingsError

FIRST_SESSION = date(2003, 9, 10)
"""The vendor's history begins here."""

HOME_SETTINGS = "settings.env"
"""File inside a home that carries the settings which belong to it, such as where its vendor files come from."""


class Settings(BaseSettings):
    """Every setting, each as `CANDLELAKE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="CANDLELAKE_", extra="ignore", env_ignore_empty=True)

    home: Path = Field(Path("data"), description="Folder of everything candlelake keeps: lake, runs, samples.")
    flat_files: str = Field(
        "s3://flatfiles", description="Where day files come from: s3://BUCKET, or a folder in the vendor's layout."
    )
    flat_files_endpoint: str = Field("https://files.massive.com", description="S3 endpoint of the vendor.")
    flat_files_key_id: str | None = Field(None, description="Access key id for the vendor's S3.")
    flat_files_secret: SecretStr | None = Field(None, description="Secret access key for the vendor's S3.")
    start: date = Field(FIRST_SESSION, description="First session of every table.")
    end: date | None = Field(None, description="Last session of every table, for a history that is complete.")
    max_bad_share: float = Field(
        0.2, ge=0, le=1, description="Largest share of bad rows in a file before it is refused whole."
    )

    retention_days: int = Field(30, ge=1, description="Days that earlier versions of the tables stay readable.")

    @property
    def lake(self) -> Path:
        """Return the folder of raw files and tables."""
        return self.home / "lake"

    @property
    def catalog(self) -> Path:
        """Return the DuckDB file with a view of every table."""
        return self.home / "candlelake.duckdb"


def load_settings() -> Settings:
    """Return the settings in force.

    Raises SettingsError, naming the variable, when a value makes no sense.
    """
    try:
        home = _home(Settings(_env_file=".env"))  # type: ignore[call-arg]
        # Later files win: what a home says of itself holds wherever it is used from.
        settings = Settings(_env_file=(".env", home / HOME_SETTINGS))  # type: ignore[call-arg]
    except ValidationError as invalid:
        faults = "; ".join(f"CANDLELAKE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in invalid.errors())
        raise SettingsError(
            f"A setting makes no sense: {faults}.", remedy="Correct it in the environment or in .env."
        ) from None
    return settings.model_copy(update={"home": home})


def _home(settings: Settings) -> Path:
    return settings.home.expanduser().absolute()
