"""`ccma-seg batch` with processes that only pretend to analyse: `python odd_batch.py SCRATCH ROOT -o OUT ...`."""

import sys
from pathlib import Path

from ccma_seg.cli.app import app
from ccma_seg.cohort import engines

if __name__ == "__main__":
    odd = [sys.executable, str(Path(__file__).with_name("odd_worker.py")), sys.argv.pop(1)]
    engines.worker_command = lambda _: odd
    app(["batch", *sys.argv[1:]])
