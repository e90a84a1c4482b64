"""What of a declaration a fingerprint covers: fields, and the source of its expressions."""

from collections.abc import Callable

import polars as pl
import pytest

from assets_tests.market.fingerprint.written import Write
from pipeline.market.fingerprint import fingerprint
from pipeline.market.indicators import Indicator, IndicatorColumn, expressed
from pipeline.market.screen.model import Factor, Model, Universe

MODEL = """
    import polars as pl

    from pipeline.market.screen.model import Factor, Model, Universe
    from pipeline.market.screen.wording import VALUE, percent

    SHARE = 0.5

    BUSY = Factor(
        name="busy",
        value=pl.col("relative_volume") * SHARE,
        high=pl.format("busy: {}", percent(VALUE)),
        low=pl.lit("quiet"),
    )

    MODEL = Model(
        name="breakout",
        version=1,
        description="Stocks that rise on heavy volume.",
        universe=Universe(min_price=3, conditions=(pl.col("close") > pl.col("bollinger_upper"),)),
        factors=((BUSY, 1.0),),
        top=10,
    )
"""


def of(write: Write, source: str, name: str = "MODEL") -> str:
    return fingerprint(getattr(write(source), name))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Stocks that rise on heavy volume.", "Stocks that rise."),
        ("busy: {}", "much traded: {}"),
        ('pl.lit("quiet")', 'pl.lit("hardly traded")'),
        ("BUSY", "VOLUME_FACTOR"),
        ("SHARE", "PART"),
        ('pl.col("relative_volume") * SHARE', '(\n        pl.col("relative_volume")  # shares\n        * SHARE)'),
    ],
)
def test_words_and_names_in_the_source_do_not_count(write: Write, old: str, new: str) -> None:
    assert old in MODEL
    assert of(write, MODEL.replace(old, new)) == of(write, MODEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SHARE = 0.5", "SHARE = 0.25"),
        ('pl.col("relative_volume") *', 'pl.col("volume_sma_20") *'),
        ('name="busy"', 'name="volume"'),
        ("version=1", "version=2"),
        ("min_price=3", "min_price=4"),
        ('> pl.col("bollinger_upper")', '>= pl.col("bollinger_upper")'),
        ("(BUSY, 1.0)", "(BUSY, -1.0)"),
        ("top=10", "top=11"),
    ],
)
def test_what_decides_the_ranking_counts(write: Write, old: str, new: str) -> None:
    assert old in MODEL
    assert of(write, MODEL.replace(old, new)) != of(write, MODEL)


def test_a_default_that_changes_counts() -> None:
    assert fingerprint(Universe()) != fingerprint(Universe(min_bars=252))


def test_an_expression_of_the_top_level_counts_by_its_source_and_not_by_how_polars_writes_it(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write(MODEL)
    before = fingerprint(made.MODEL)
    monkeypatch.setattr(pl.Expr, "__str__", lambda _: "as another version of Polars writes it")
    assert fingerprint(made.MODEL) == before


def factor(share: float) -> Factor:
    return Factor("busy", value=pl.col("relative_volume") * share, high=pl.lit("high"), low=pl.lit("low"))


def model(one: Factor) -> Model:
    return Model(name="m", version=1, description="", universe=Universe(), factors=((one, 1.0),))


def test_an_expression_made_in_a_function_counts_by_how_polars_writes_it() -> None:
    assert fingerprint(model(factor(0.5))) == fingerprint(model(factor(0.5)))
    assert fingerprint(model(factor(0.5))) != fingerprint(model(factor(0.25)))


def test_expressions_made_in_a_loop_are_distinguished(write: Write) -> None:
    source = """
        import polars as pl
        from pipeline.market.screen.model import Factor

        MADE = [Factor("x", pl.col(name), high=pl.lit(""), low=pl.lit("")) for name in ("return_5", "return_20")]
        for name in ("return_5", "return_20"):
            MADE.append(Factor(name="x", value=pl.col(name), high=pl.lit(""), low=pl.lit("")))
    """
    made = [fingerprint(one) for one in write(source).MADE]
    assert len(set(made)) == 2
    assert made[:2] == made[2:]


INDICATOR = """
    import polars as pl
    from pipeline.market.indicators import IndicatorColumn, expressed

    GAP = expressed(
        {IndicatorColumn("overnight_gap", "From the close before.", unit="free"): pl.col("open") / BEFORE - 1},
        lookback=2,
    )
""".replace("    GAP", '    BEFORE = pl.col("close").shift(1)\n\n    GAP')


def parts(indicator: Indicator, window: int = 453) -> dict[str, str]:
    return indicator.fingerprints(window)


def test_an_indicator_made_of_expressions_counts_by_their_source_without_the_description(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = parts(write(INDICATOR).GAP)
    assert list(first) == ["overnight_gap"]
    assert parts(write(INDICATOR.replace("of the bar before", "of yesterday")).GAP) == first
    assert parts(write(INDICATOR.replace("shift(1)", "shift(2)")).GAP) != first
    assert parts(write(INDICATOR.replace("lookback=2", "lookback=3")).GAP) != first
    monkeypatch.setattr(pl.Expr, "__str__", lambda _: "as another version of Polars writes it")
    assert parts(write(INDICATOR).GAP) == first


def looped(compute: Callable[..., object], lookback: int = 20, dtype: type[pl.DataType] = pl.Float64) -> Indicator:
    columns = (IndicatorColumn("a", "A.", dtype, unit="free"), IndicatorColumn("b", "B.", pl.Float64, unit="free"))
    return Indicator(columns, lookback, compute)  # type: ignore[arg-type]


def test_each_column_of_an_indicator_has_a_fingerprint_of_its_own() -> None:
    def compute(panel):
        return [panel.mean(panel.column("close"), 20), panel.median(panel.column("close"), 20)]

    first = parts(looped(compute))
    assert len(set(first.values())) == 2
    assert parts(looped(compute)) == first
    assert set(parts(looped(compute, lookback=21)).values()).isdisjoint(first.values())
    narrower = parts(looped(compute, dtype=pl.Float32))
    assert narrower["a"] != first["a"]
    assert narrower["b"] == first["b"]


def test_the_length_of_the_window_counts_only_where_a_value_depends_on_it() -> None:
    of_bars = expressed({IndicatorColumn("x", "X.", unit="free"): pl.col("close")})
    assert parts(of_bars, 453) == parts(of_bars, 500)
    of_window = Indicator(of_bars.columns, 1, of_bars.compute, of_window=True)
    assert parts(of_window, 453) != parts(of_window, 500)
