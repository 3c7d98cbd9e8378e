"""What has changed between two records: lesions matched by their place, figures beyond repeatability."""

from ccma_seg.followup.changes import LesionChange, compare_records
from ccma_seg.followup.matching import match_lesions
from ccma_seg.followup.params import FollowUpParams

__all__ = ["FollowUpParams", "LesionChange", "compare_records", "match_lesions"]
