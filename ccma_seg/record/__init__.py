"""The record of an exam, as in `report.json`, and the schema it follows."""

from ccma_seg.record.building import SCHEMA_VERSION, make_record, plain
from ccma_seg.record.identity import tracking_uid
from ccma_seg.record.schema import record_schema
from ccma_seg.record.table import cells_of, lesion_columns, lesion_frame, lesion_row, write_table

__all__ = [
    "SCHEMA_VERSION",
    "cells_of",
    "lesion_columns",
    "lesion_frame",
    "lesion_row",
    "make_record",
    "plain",
    "record_schema",
    "tracking_uid",
    "write_table",
]
