"""The rows of the contract are of one mould."""

from __future__ import annotations

import pytest

from cnnpy.contract import OPS, Kind, OpSpec

every_row = pytest.mark.parametrize("row", OPS.values(), ids=list(OPS))


@every_row
def test_a_row_is_found_under_its_name(row: OpSpec) -> None:
    assert OPS[row.name] is row
    assert row.summary[0].isupper()
    assert not row.summary.endswith(".")


@every_row
def test_the_first_input_decides_and_gets_a_gradient(row: OpSpec) -> None:
    first = row.inputs[0]
    assert first.kind in (Kind.ARRAY, Kind.SEQUENCE)
    assert first.gradient
    assert not first.keyword
    assert row.gradients[0] == first.name


@every_row
def test_labels_masks_and_updated_arrays_get_no_gradient(row: OpSpec) -> None:
    for i in row.inputs:
        if i.kind in (Kind.LABELS, Kind.TARGETS, Kind.MASK, Kind.UPDATED):
            assert not i.gradient
        if i.kind in (Kind.MASK, Kind.UPDATED):
            assert i.keyword


@every_row
def test_the_tolerance_is_one_that_the_judge_knows(row: OpSpec) -> None:
    for tolerance in (row.tolerance, *row.other_tolerances.values()):
        assert tolerance.rule in ("exact", "bound", "spread", "routed", "scale")
        assert (tolerance.k == 0) == (tolerance.rule == "exact")


def test_only_batch_norm_updates_arrays() -> None:
    updating = {row.name for row in OPS.values() for i in row.inputs if i.kind is Kind.UPDATED}
    assert updating == {"batch_norm"}
