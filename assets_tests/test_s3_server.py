"""The S3 server of the tests itself."""

import json
import urllib.request

from assets_tests.s3_server import MOST_BUCKETS


def test_it_has_room_for_every_bucket_however_full_the_disk_is(s3_server):
    # Each bucket takes a volume of its own; by default there are as many as free gigabytes.
    host, port = s3_server.endpoint.rsplit(":", 1)
    with urllib.request.urlopen(f"{host}:{int(port) + 2}/dir/status") as answer:  # noqa: S310 (the master, on loopback)
        assert json.load(answer)["Topology"]["Max"] >= MOST_BUCKETS
