"""The report: one page, made to be looked at, that needs nothing but itself."""

from modalmesh.local.report.data import (
    Card,
    Figure,
    Leaning,
    Likeness,
    Lived,
    Person,
    Recommended,
    ReportData,
    Taste,
)
from modalmesh.local.report.page import check_writable, render, write_report

__all__ = [
    "Card",
    "Figure",
    "Leaning",
    "Likeness",
    "Lived",
    "Person",
    "Recommended",
    "ReportData",
    "Taste",
    "check_writable",
    "render",
    "write_report",
]
