"""How bright tissues are: limits that several steps ask for, each written once."""

ABOVE_BLOOD_HU = 100.0
"""Calcium in enhanced blood is brighter than it by this much (JCCT, n = 104: AUC 0.81, better than fixed 650 or 850
HU)."""

FAT_BELOW_HU = -30.0
"""Fat and lung lie below: midway between fat (-100 +- 30 HU) and water-like tissue (45)."""

CLEAR_CONTRAST_HU = 70.0
"""From here on blood and muscle are told apart with ease: of 40 HU in noise, copies of one exam showed hinges 6 mm
apart."""
