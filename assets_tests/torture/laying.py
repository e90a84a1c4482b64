"""The real sample written into the folder of the argument, with the error of `candlelake demo` when that fails."""

import sys
from pathlib import Path

from pipeline.cli import report_error
from pipeline.errors import CandlelakeError
from pipeline.sample.real import lay_down_real

if __name__ == "__main__":
    try:
        lay_down_real(Path(sys.argv[1]))
    except (CandlelakeError, OSError) as failed:
        sys.exit(report_error(failed))
