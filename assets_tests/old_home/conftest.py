from assets_tests.cli.conftest import ask_in  # noqa: F401 (a fixture)
