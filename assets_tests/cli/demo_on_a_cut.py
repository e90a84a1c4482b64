"""`candlelake demo` over fewer sessions than it has: HOME FIRST LAST COUNT, of files that lie in the home already."""

import sys
from datetime import date
from pathlib import Path

from pipeline.cli import demo, main
from pipeline.sample.laying import Sample

if __name__ == "__main__":
    home, first, last, count = sys.argv[1:]
    sample = Sample(Path(home, "sample"), date.fromisoformat(first), date.fromisoformat(last), int(count), 0)
    demo.lay_sample = lambda *_, **__: sample
    sys.argv = [str(Path(sys.executable).with_name("candlelake")), "--home", home, "demo"]
    main()
