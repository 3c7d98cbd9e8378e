"""Two exams of one patient, or two phases of one exam, side by side."""

from ccma_seg.comparison.comparing import compare
from ccma_seg.comparison.findings import Comparison
from ccma_seg.comparison.schema import comparison_schema
from ccma_seg.comparison.sentences import Kind
from ccma_seg.comparison.writing import RECORD, table_rows, write_comparison

__all__ = ["RECORD", "Comparison", "Kind", "compare", "comparison_schema", "table_rows", "write_comparison"]
