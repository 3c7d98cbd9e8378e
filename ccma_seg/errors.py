"""Everything that ccma-seg refuses, as one tree.

::

    CcmaError
    ├── ConfigError            (ValueError)         an option or a configuration value makes no sense
    ├── NotBuiltError          (NotImplementedError) asked for something that this version cannot do
    ├── InputPathError         (OSError)            the input is not there, or may not be read
    ├── NoSeriesError          (LookupError)        nothing under the input can be analysed
    │   └── NoHeartError                            a CT, but without a usable heart
    │       └── HeartNotFoundError                  a CT of the chest whose heart should have been found
    ├── CorruptInputError      (ValueError)         a file says one thing and holds another
    │   └── NotHuError                              voxels that are not Hounsfield units, whatever the header says
    ├── IncompleteVolumeError  (ValueError)         slices are missing, uneven or tilted
    ├── GeometryError          (ValueError)         grids that should agree do not
    ├── OutputError            (OSError)            results cannot be written
    ├── SchedulerLostError     (ConnectionError)    there is nobody left to hand series to
    └── CasesFailedError       (RuntimeError)       a cohort was run, and some series have no result

A message says what must be, what came, and what to do, on one line, and never names the patient.
"""

from typing import ClassVar


class CcmaError(Exception):
    """Base of all errors raised on purpose; `code` is its reason code in records and tables."""

    code: ClassVar[str] = "error"


class ConfigError(CcmaError, ValueError):
    """An option or a configuration value makes no sense."""

    code = "config"


class NotBuiltError(CcmaError, NotImplementedError):
    """Asked for something that this version cannot do."""

    code = "not_built"


class InputPathError(CcmaError, OSError):
    """The input is not there, or may not be read."""

    code = "input_path"


class NoSeriesError(CcmaError, LookupError):
    """Nothing under the input can be analysed."""

    code = "no_series"


class NoHeartError(NoSeriesError):
    """A CT without a usable heart."""

    code = "no_heart"


class HeartNotFoundError(NoHeartError):
    """A CT of the chest whose heart should have been found."""

    code = "heart_not_found"


class CorruptInputError(CcmaError, ValueError):
    """A file says one thing and holds another."""

    code = "corrupt_input"


class NotHuError(CorruptInputError):
    """Voxels are not Hounsfield units, whatever the header says."""

    code = "not_hu"


class IncompleteVolumeError(CcmaError, ValueError):
    """Slices are missing, uneven or tilted."""

    code = "incomplete_volume"


class GeometryError(CcmaError, ValueError):
    """Grids that should agree do not, or a grid cannot exist."""

    code = "geometry"


class OutputError(CcmaError, OSError):
    """Results cannot be written."""

    code = "output"


class SchedulerLostError(CcmaError, ConnectionError):
    """There is nobody left to hand series to."""

    code = "scheduler_lost"


class CasesFailedError(CcmaError, RuntimeError):
    """A cohort was run, and some series have no result."""

    code = "cases_failed"
