"""The sample market of `candlelake demo`."""
