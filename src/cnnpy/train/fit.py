"""fit: train a network on images, from the start or from where a run was left.

Everything that chance decides comes from one seed: the first values of the parameters, the
masks of dropout, the order of the images, their augmentation and mixing. The weights that are
kept are those of the epoch with the best validation accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnpy.contract.errors import DataError, OptionError
from cnnpy.data import ImageSource
from cnnpy.nn import Layer
from cnnpy.train.callbacks import Callback
from cnnpy.train.checkpoints import Checkpoints
from cnnpy.train.classifier import Classifier
from cnnpy.train.interruption import Interruption
from cnnpy.train.loop import Run
from cnnpy.train.training import Training

__all__ = ["fit"]


def fit(
    model: Layer,
    train: ImageSource,
    validation: ImageSource | None = None,
    training: Training | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    **options: Any,
) -> Classifier:
    """Train a network on images and return it with all that it takes to use it.

    Parameters
    ----------
    model : Layer
        The network; it is built if it is not, and is the one that is trained.
    train : ImageSource
        Images to learn from: a Dataset, or a LazyDataset where they do not fit in memory.
    validation : ImageSource, optional
        Images that choose the best epoch; the last epoch is kept without them.
    training : Training, optional
        How it is trained.
    callbacks : sequence of Callback
        Who follows the run.
    checkpoints : Checkpoints, optional
        Where the state of the run is saved, now and then and when Ctrl-C or SIGTERM comes,
        which then wait for the end of the step.
    resume : bool
        Whether to go on from the last good checkpoint, to the same bits as if nothing had
        happened; from the start where there is none. Of a layer of one's own the parameters,
        buffers and generators that are its attributes are known, and no other state.
    **options : object
        Parameters of :class:`Training` by name, in place of those of `training`.

    Returns
    -------
    Classifier
        With the best weights, and the history.

    Raises
    ------
    OptionError
        Where an option is out of its range.
    DataError
        Where the data sets do not fit together, or there is nothing to learn from.
    ShapeError
        Where the network does not fit to the images or classes.
    TrainingError
        Where the loss is not finite, and that should stop it.
    CheckpointError
        Where a checkpoint cannot be written, or is of another run, or none is good.

    Examples
    --------
    >>> import cnnpy
    >>> parts = cnnpy.data.split(cnnpy.data.digits(), seed=0)
    >>> small = parts.train.subset(range(128))
    >>> classifier = fit(cnnpy.models.small_cnn(10), small, epochs=1)
    >>> classifier.history[0].epoch
    1
    """
    how = (training or Training()).with_options(**options)
    if validation is not None and len(validation) == 0:
        validation = None
    _check_data(train, validation)
    _check_together(how, validation, checkpoints, resume)
    run = Run(model, train, validation, how, callbacks)
    if checkpoints is None:
        return run.to_its_end(None, Interruption())
    interruption = Interruption()
    with checkpoints.alone(), interruption.noted():
        if resume:
            snapshot = checkpoints.last(run.warn)
            if snapshot is not None:
                run.restore(snapshot, checkpoints.folder)
        classifier = run.to_its_end(checkpoints, interruption)
    interruption.go_on()
    return classifier


def _check_together(
    how: Training, validation: ImageSource | None, checkpoints: Checkpoints | None, resume: bool
) -> None:
    if how.patience is not None and validation is None:
        raise OptionError(
            f"fit: patience={how.patience} without validation images",
            "images that say when training gets no better",
            "leave patience out, or hold some images out: cnnpy.data.hold_out",
        )
    if resume and checkpoints is None:
        raise OptionError(
            "fit: resume=True without checkpoints",
            "the checkpoints to go on from",
            'use checkpoints=Checkpoints("runs/mine/checkpoints")',
        )
    if checkpoints is not None and not resume and checkpoints.paths():
        raise OptionError(
            f"fit: {checkpoints.folder} has checkpoints of a run",
            "a folder without any: nothing is overwritten",
            "use resume=True to go on with that run, or another folder",
        )


def _check_data(train: ImageSource, validation: ImageSource | None) -> None:
    if len(train) == 0:
        raise DataError(
            f"fit: the data set {train.name!r} has no images to learn from",
            "at least one image",
            "give a larger share to the training part of the split",
        )
    if validation is not None and validation.class_names != train.class_names:
        raise DataError(
            f"fit: training has the classes {train.class_names}, "
            f"validation {validation.class_names}",
            "the same classes in the same order",
            "split one data set: cnnpy.data.split(dataset)",
        )
