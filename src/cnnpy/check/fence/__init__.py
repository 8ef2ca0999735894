"""Somebody else's code, run in a process of its own behind a fence.

The judge stays on this side. What goes over is the name of a function and its arguments;
what comes back is numbers, whose sizes are checked before memory is taken. A crash, an
endless loop, a wish for a terabyte or a call of ``sys.exit`` ends that process, and is an
answer like any other.

wire
    Values as bytes, without pickle.
loading
    A file or a package becomes a table of functions.
missing
    Stand-ins for what it imports and is not there.
legacy
    What Python 2 and old NumPy had, put back and noted down.
offered
    What there is in that table, with the parameters of classes.
session
    Calls functions, and remembers what they returned; the same here and over there.
tensors
    Functions of PyTorch's tensors, called with arrays.
confine
    What the process may not do, held by the system.
child
    The program on the other side.
client
    This side: starts it, asks, waits no longer than allowed.
"""

from cnnpy.check.fence.client import Fenced, Limits
from cnnpy.check.fence.offered import Offered, offered_by
from cnnpy.check.fence.session import Answer, Call, Kept, Session

__all__ = ["Answer", "Call", "Fenced", "Kept", "Limits", "Offered", "Session", "offered_by"]
