"""CHECK: hold an implementation against the definition.

``judge`` takes any two functions, forward and backward, and one case, and says
what is wrong. It imports the contract and the definition and no backend: what it
judges is handed in.
"""

from cnnpy.check.case import LAYOUTS, Case, RandomHand
from cnnpy.check.hold import Finding
from cnnpy.check.suite import judge

__all__ = ["LAYOUTS", "Case", "Finding", "RandomHand", "judge"]
