"""The figures of the dashboards, one file a question; pages show them and the report writes them."""

from fer_core.views.view import View

__all__ = ["View"]
