"""Run the benchmarks that need nothing but the package, one after the other; each says where its tables are.

`benchmarks.real`, `benchmarks.annulus`, `benchmarks.calcium`, `benchmarks.lesion --ibsi` and
`benchmarks.accuracy --inserted` take real CTs; each says how in its own --help.
"""

import runpy
import sys

RUNS = (
    ("reading", ()),
    ("speed", ()),
    ("phantom_speed", ()),
    ("accuracy", ("--recipes", "--grid", "--random", "500")),
    ("contact_sheet", ()),
)

for name, options in RUNS:
    print(f"== {name}", flush=True)
    sys.argv = [name, *options]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")
