"""What is tried: a plan an op, with a property for everything that people get wrong."""

from __future__ import annotations

from cnnpy.check.plans import plain, windows
from cnnpy.check.plans.plan import AT, Plan, Probe
from cnnpy.check.plans.sandwiches import PLANS_OF_SANDWICHES
from cnnpy.check.suite import cases

__all__ = ["AT", "PLANS", "Plan", "Probe", "plan_of"]

PLANS = {
    plan.op: plan
    for plan in (
        windows.CONV2D,
        windows.MAX_POOL2D,
        windows.AVG_POOL2D,
        plain.LINEAR,
        plain.RELU,
        plain.SOFTMAX,
        plain.HINGE,
        plain.BATCH_NORM,
        plain.LAYER_NORM,
        plain.GROUP_NORM,
        plain.DROPOUT,
        *PLANS_OF_SANDWICHES,
    )
}
"""The plans that were thought out; see `plan_of` for the other ops."""


def plan_of(op: str) -> Plan:
    """Return what is tried on an op.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.

    Returns
    -------
    Plan
        Its own, or one that draws over its whole domain.
    """
    return PLANS.get(op) or _drawn(op)


def _drawn(op: str) -> Plan:
    return Plan(
        op,
        cases(op).draw,
        {"ordinary": tuple({AT: k} for k in range(20))},
        lambda hand: {AT: hand.integer(AT, 0, 1 << 30)},
    )
