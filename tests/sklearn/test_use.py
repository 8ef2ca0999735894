"""Estimators among scikit-learn's own: pipelines, searches, other processes, pickles."""

from __future__ import annotations

import builtins
import importlib
import io
import json
import subprocess
import sys

import joblib
import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import cnnpy
from cnnpy import nn
from cnnpy.contract import MissingPackageError
from cnnpy.sklearn import CNNClassifier, CNNRegressor

from .conftest import corners


def shallow(n_outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(n_outputs))


def test_in_a_pipeline_behind_a_scaler_it_learns_a_table():
    X, y = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), CNNClassifier(random_state=0))
    scores = cross_val_score(pipeline, X, y, cv=3)
    assert scores.min() > 0.9


def test_in_a_pipeline_behind_a_projection_it_takes_what_comes():
    X, y = load_wine(return_X_y=True)
    steps = StandardScaler(), PCA(4), CNNRegressor(epochs=5, random_state=0)
    pipeline = make_pipeline(*steps).fit(X, y)
    assert pipeline[-1].image_shape_ == (1, 1, 4)
    assert pipeline.predict(X).shape == y.shape


def test_a_search_over_networks_and_learning_rates_keeps_the_better():
    images, y = corners(80)
    search = GridSearchCV(
        CNNClassifier(epochs=5, random_state=0),
        {"model": [nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(4)), shallow],
         "lr": [1e-6, 0.02]},
        cv=2, scoring="neg_log_loss",
    ).fit(images, y)  # fmt: skip
    # the mean over an image does not tell its corners apart, and 1e-6 learns nothing
    assert search.best_params_ == {"model": shallow, "lr": 0.02}
    assert search.score(images, y) > -0.5


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_two_jobs_give_the_bits_of_one(backend):
    images, y = corners(48)
    classifier = CNNClassifier(epochs=2, random_state=0)
    alone = cross_val_predict(classifier, images, y, cv=2, method="predict_proba")
    with joblib.parallel_config(backend=backend, n_jobs=2):
        together = cross_val_predict(classifier, images, y, cv=2, method="predict_proba")
    assert np.array_equal(alone, together)


def test_the_columns_of_a_table_are_known_by_their_names():
    pytest.importorskip("pandas")
    X, y = load_wine(return_X_y=True, as_frame=True)
    regressor = CNNRegressor(epochs=1, random_state=0).fit(X, y)
    assert regressor.feature_names_in_.tolist() == X.columns.tolist()
    assert np.array_equal(regressor.predict(X), regressor.predict(X.copy()))
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(X[X.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        regressor.predict(X.to_numpy())


def test_beside_another_classifier_it_votes():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    voters = [("cnn", CNNClassifier(random_state=0)), ("linear", LogisticRegression())]
    assert VotingClassifier(voters, voting="soft").fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("estimator", [CNNClassifier, CNNRegressor])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_file_of_joblib_gives_the_same_bits_in_another_process(estimator, mmap_mode, tmp_path):
    images, y = corners(48)
    y = np.unique(y, return_inverse=True)[1]
    fitted = estimator(epochs=2, random_state=0, verbose=1).fit(images, y)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import json, sys, joblib, numpy as np\n"
        "fitted = joblib.load(sys.argv[1] + '/fitted.joblib', mmap_mode=json.loads(sys.argv[2]))\n"
        "np.save(sys.argv[1] + '/y.npy', fitted.predict(np.load(sys.argv[1] + '/images.npy')))\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), json.dumps(mmap_mode)], check=True
    )  # fmt: skip
    assert np.array_equal(np.load(tmp_path / "y.npy"), fitted.predict(images))


def test_a_read_network_can_be_fitted_again_from_what_it_has(tmp_path):
    images, y = corners(24)
    fitted = CNNClassifier(shallow, epochs=1, random_state=0).fit(images, y)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    read = joblib.load(tmp_path / "fitted.joblib", mmap_mode="r")  # its weights cannot be written
    more = CNNClassifier(read.network_, epochs=5, random_state=0).fit(images, y)
    assert more.history_[-1].train_loss < fitted.history_[-1].train_loss


def test_what_is_written_holds_no_gradients_and_no_data():
    images, y = corners(400)
    written = io.BytesIO()
    fitted = CNNClassifier(shallow, epochs=1).fit(images, y)
    joblib.dump(fitted, written)
    weights = sum(array.nbytes for array in fitted.network_.state_dict().values())
    assert len(written.getvalue()) < weights + 8000 < images.nbytes


# --- importing ----------------------------------------------------------------------------


def test_the_room_is_reached_by_its_name_and_not_imported_with_all():
    assert cnnpy.sklearn.CNNClassifier is CNNClassifier
    code = (
        "import sys\nfrom cnnpy import *\nassert 'sklearn' not in sys.modules\n"
        "import cnnpy\ncnnpy.sklearn\nassert 'sklearn' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_scikit_learn_the_error_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def absent(name, *arguments, **options):
        if name.split(".")[0] == "sklearn":
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
        return real(name, *arguments, **options)

    for name in [name for name in sys.modules if name.startswith("cnnpy.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingPackageError) as caught:
        importlib.import_module("cnnpy.sklearn")
    assert str(caught.value).splitlines() == [
        "cnnpy.sklearn: No module named 'sklearn'",
        "  expected: the package scikit-learn, 1.6 or newer",
        "  to mend:  pip install 'cnnpy[sklearn]'",
    ]
