"""The figures of the dashboards, one file per question, for pages and the report."""

from fer_core.views.view import View

__all__ = ["View"]
