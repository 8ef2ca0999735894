"""What scikit-learn demands of every estimator, by its own tests; none is expected to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("sklearn")
from sklearn.utils.estimator_checks import parametrize_with_checks

from cnnpy.sklearn import CNNClassifier, CNNRegressor


@parametrize_with_checks([CNNClassifier(), CNNRegressor()])
def test_scikit_learn_takes_it_for_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_no_check_is_skipped_where_all_that_they_need_is_there() -> None:
    pytest.importorskip("pandas")
    code = (
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from cnnpy.sklearn import CNNClassifier, CNNRegressor\n"
        "for estimator in (CNNClassifier(), CNNRegressor()):\n"
        "    found = check_estimator(estimator, on_skip=None)\n"
        "    print(len(found), {check['status'] for check in found})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        number, _, statuses = line.partition(" ")
        assert int(number) > 50
        assert statuses == "{'passed'}"
