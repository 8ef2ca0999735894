"""The twin of Stanford cs231n's assignment 2: its names, computed by cnnpy.

Every module of the course's package (editions 2021 and 2024, and the `svm_loss` of
older ones) has a twin here with the same functions, argument order, parameter
dictionaries, defaults and return values. In a notebook of the course, write
``from cnnpy.cs231n.`` where it says ``from cs231n.``, and it runs.

layers
    affine, relu, softmax and svm losses, batch, layer, spatial batch and group
    normalisation, dropout, and the naive convolution and poolings.
fast_layers, im2col, im2col_cython
    Convolution and max pooling on the fastest backend; windows as columns.
layer_utils
    Sandwiches: affine-relu, conv-relu, conv-bn-relu, conv-relu-pool.
classifiers.fc_net, classifiers.cnn
    FullyConnectedNet, TwoLayerNet; ThreeLayerConvNet.
optim, solver
    Update rules and the training loop.
gradient_check, data_utils, vis_utils, image_utils
    Difference quotients, CIFAR-10, pictures of filters.

The twins are thin: the layers compute with :mod:`cnnpy.functional`, the ``*_naive``
ones on the definition (plain loops), all others on the backend of the moment.

Conventions of this room only
-----------------------------
- Weights of an affine layer have the shape (D, M), one column an output.
- Batch normalisation: `momentum` weighs the *old* running statistics (0.9), the
  running variance is biased, both live in ``bn_param``.
- Dropout: `p` is the probability to *keep* an entry.
- Random numbers come from ``np.random``, in the course's order, so that a seed gives
  the run that it gives there.
- Dtypes may be mixed: integers become float64, mixed floats the wider one
  (``np.result_type``). Everywhere else in cnnpy that is an error.
- gamma and beta of shape (1, C, 1, 1) are taken by the spatial normalisations, and
  their gradients returned in that shape.

Where the twin differs from the course on purpose
-------------------------------------------------
- Of several largest entries in a pooling window, the first in row-major order takes
  the gradient, in every function; the course's fast version shares it out.
- No window is refused because a remainder is left over: it is dropped.
- Wrong input raises cnnpy's three-line errors, all of them children of ValueError
  or TypeError.
- Solver writes its checkpoints as .npz; what reads pickles or fetches from the
  network refuses.
"""

from __future__ import annotations
