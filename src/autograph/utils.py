"""The 2018 spelling of the list directive."""

from .staging.directives import set_element_type

__all__ = ["set_element_type"]
