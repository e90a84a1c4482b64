pytest_plugins = ["assets_tests.s3_server"]
