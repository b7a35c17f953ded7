"""Properties as files that other programs read: CSV, JSON Lines, Parquet and GeoJSON.

Each writer takes properties in the shape of `PropertyStore.get`, one at a time, so that memory does not grow with their
number; -> how many it wrote, and the last `updated_at`.
"""

from app.services.reports.exports.columns import COLUMNS
from app.services.reports.exports.writing import ExportFormat, Written, check_format, write

__all__ = ["COLUMNS", "ExportFormat", "Written", "check_format", "write"]
