"""What running the program needs to remember: what the last look at the invariants found, what people are told."""

from .breach import Breach
from .incident import Incident

__all__ = ["Breach", "Incident"]
