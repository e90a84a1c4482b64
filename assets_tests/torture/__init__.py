"""The long part of the tests of faults: hundreds of kills, of the whole job; not part of `make test`."""
