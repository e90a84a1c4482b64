"""The sample markets of `candlelake demo`: five real stocks, and a seeded synthetic market of the full size."""
