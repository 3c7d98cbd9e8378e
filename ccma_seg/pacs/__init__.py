"""Series from a PACS into a folder, by DICOMweb or by C-GET (needs the extra `pacs`).

Nothing here runs unless asked for: analysis itself never uses a network.
"""

from ccma_seg.pacs.dicomweb import DicomWeb
from ccma_seg.pacs.dimse import Dimse
from ccma_seg.pacs.fetching import Fetched, NotFetched, Query, fetch_series

__all__ = ["DicomWeb", "Dimse", "Fetched", "NotFetched", "Query", "fetch_series"]
