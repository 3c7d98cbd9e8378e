"""What people and programs open: record, tables, label maps, pictures."""

from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES, make_label_map
from ccma_seg.report.writing import check_output, write_results

__all__ = ["LABEL_COLORS", "LABEL_NAMES", "check_output", "make_label_map", "write_results"]
