"""Fingerprints of earlier code that computes the same as today's, so that an upgrade causes no needless work."""

BEFORE: dict[str, dict[str, str]] = {
    "stocks.indicators": {
        "*": "f9b1feef7897",
        "sma_20": "f2e1222e984d",
        "sma_50": "e325d80452df",
        "sma_200": "2319b3ef56e9",
        "ema_12": "ef8cde3adb81",
        "ema_26": "486ff3cdfda3",
        "macd": "8f076f9324c1",
        "macd_signal": "bd160772639a",
        "macd_histogram": "c764b3a17f70",
        "rsi_14": "f0fdc82f05d6",
        "atr_14": "2753594b5340",
        "bollinger_upper": "0c9c25592fd5",
        "bollinger_middle": "8c95c6334b18",
        "bollinger_lower": "109d0337194c",
        "candle_high": "f56e818764f2",
        "candle_low": "50518bc52301",
        "candle_mid": "4e509dae6a55",
        "candle_color": "20bc08a5f8df",
        "return_1": "9e76e4583a05",
        "return_5": "9c0709aa6dc7",
        "return_20": "ae8d26abc167",
        "return_60": "c297a458a1be",
        "return_252": "37cffd273477",
        "high_252": "cc785624fc0d",
        "low_252": "ed09fff96a33",
        "volume_sma_20": "368b23ef42ee",
        "relative_volume": "302c2c5eb777",
        "dollar_volume_20": "8957197b0ae9",
        "td_setup": "fc8abff0d8c5",
        "td_perfected": "951d180dc3de",
        "support": "0d4782d5ad87",
        "resistance": "c3ab1fe61b8c",
        "bars": "8c1dda7848fb",
    },
    "stocks.intraday_features": {
        "*": "98a5f469a574",
    },
    "stocks.candidates": {
        "*": "cee5c338706f",
        "trend": "ed4d9a5fd0c1",
        "pullback": "aa369329eb51",
    },
    "portfolio.position_marks": {
        "*": "5384231a0f63",
    },
    "portfolio.signals": {
        "*": "3ee48f90d611",
        "stop_hit": "cc833bff00e8",
        "target_hit": "d5829a20ea77",
        "trailing_stop": "b1c3e77786ab",
        "macd_cross_down": "ea823fcf7ab9",
        "close_under_sma_50": "b41220f5830e",
        "rsi_turns_down": "ec3fca5d4c93",
        "td_sell_setup": "02df70f3ceb7",
        "time_stop": "31f39b1c4280",
    },
    "stocks.candidate_outcomes": {
        "*": "a747a9fbfee1",
        "trend": "ed4d9a5fd0c1",
        "pullback": "aa369329eb51",
    },
    "stocks.session_scores": {
        "*": "82d831acd788",
        "trend": "ed4d9a5fd0c1",
        "pullback": "aa369329eb51",
    },
    "stocks.model_scores": {
        "*": "d571d909e1e2",
    },
}
"""Fingerprints of the code that computed tables before commits stored fingerprints: by SQL name and part."""

SAME: dict[str, str] = {
    "cee5c338706f": "fc1e88908123",
    "3ee48f90d611": "342bef52c3c0",
    "a747a9fbfee1": "9fd350af857c",
    "82d831acd788": "0808f2e0c2e4",
    "f9b1feef7897": "d8917d1c72b4",
    "98a5f469a574": "c42ff07f5572",
    "fc1e88908123": "a43221864c42",
    "5384231a0f63": "20d25d1e826a",
    "342bef52c3c0": "852fbf2631b8",
    "9fd350af857c": "9e1f809d5ad3",
    "0808f2e0c2e4": "c0027027482e",
    "d8917d1c72b4": "f600c3d52f44",
    "c42ff07f5572": "64c82e46ad1a",
}
"""Code that was rewritten and computes the same, as its tests show: its fingerprint, and the one after it.

The code of `BEFORE_RENAMES`, and that of marks and signals before it read listings, computes other rows of renamed and
delisted securities. These rows are found by themselves.
"""

BEFORE_RENAMES = {
    "stocks.indicators": "d8917d1c72b4",
    "stocks.candidates": "a43221864c42",
    "stocks.candidate_outcomes": "9e1f809d5ad3",
    "stocks.session_scores": "c0027027482e",
}
"""The last shared code, by table, before windows held bars from under former tickers, and before doubts and events on
the day of a rename were followed that are stated for the former ticker."""
