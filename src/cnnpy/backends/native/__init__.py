"""The native backend: the rows of the contract as compiled kernels, in channels-last memory.

One file an op, named as in :mod:`cnnpy.reference`, with the passes of a backend; see
:mod:`cnnpy.backends.numpy`. Images have the shape (N, C, H, W) and lie as (N, H, W, C):
what comes in otherwise is copied once, what goes out stays so.
"""
