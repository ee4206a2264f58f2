"""A small shop drawn by code: the built-in sample catalogue.

Taste is hidden on purpose: a print shows only in pictures, a theme only in texts.
"""

from modalmesh.local.shop.writing import write_shop

__all__ = ["write_shop"]
