"""Widths of normal distributions, from one measure to another."""

import math

MAD_TO_SD = 1.4826
"""Median absolute deviation to standard deviation."""

FWHM_TO_SD = 1 / math.sqrt(8 * math.log(2))
"""Full width at half maximum to standard deviation."""
