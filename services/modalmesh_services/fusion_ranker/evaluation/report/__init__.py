"""The page of an evaluation: tables and plots with confidence intervals, readable without anything else."""

from modalmesh_services.fusion_ranker.evaluation.report.page import render, write_report

__all__ = ["render", "write_report"]
