"""The record of an exam, as in `report.json`, and the schema it follows."""

from ccma_seg.record.building import SCHEMA_VERSION, make_record, plain
from ccma_seg.record.identity import tracking_uid
from ccma_seg.record.schema import record_schema

__all__ = ["SCHEMA_VERSION", "make_record", "plain", "record_schema", "tracking_uid"]
