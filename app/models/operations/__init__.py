"""What running the program needs to remember: what the last look at the invariants found."""

from .breach import Breach

__all__ = ["Breach"]
