"""What people and programs open: record, tables, label maps, pictures."""

from ccma_seg.record.table import lesion_columns, lesion_row, write_table
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES, make_label_map
from ccma_seg.report.writing import check_output, objects_apart, whole_folder, write_files, write_results

__all__ = [
    "LABEL_COLORS",
    "LABEL_NAMES",
    "check_output",
    "lesion_columns",
    "lesion_row",
    "make_label_map",
    "objects_apart",
    "whole_folder",
    "write_files",
    "write_results",
    "write_table",
]
