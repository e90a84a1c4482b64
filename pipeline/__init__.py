"""candlelake: every US stock, on your laptop, ranked by tomorrow morning."""

from pipeline.moved import find_moved_modules

find_moved_modules()
