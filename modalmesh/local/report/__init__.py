"""The report: one page, made to be looked at, that needs nothing but itself."""

from modalmesh.local.report.data import (
    Card,
    Figure,
    Likeness,
    Lived,
    Person,
    Recommended,
    ReportData,
    Taste,
)
from modalmesh.local.report.page import render, write_report

__all__ = [
    "Card",
    "Figure",
    "Likeness",
    "Lived",
    "Person",
    "Recommended",
    "ReportData",
    "Taste",
    "render",
    "write_report",
]
