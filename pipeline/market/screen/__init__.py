"""The screen: declared models that rank a session's tickers into buy candidates, each with its reasons."""
