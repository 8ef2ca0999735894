"""The NumPy backend: the rows of the contract as whole-array operations and BLAS.

One file an op, named as in :mod:`cnnpy.reference`. Each has

``<op>_forward(<inputs>, *, <options>) -> (out, cache)``
``<op>_backward(dout, cache, needs) -> tuple``

with validated inputs and normalised options; `needs` names the gradients that are
computed, the others are None. Nothing loops over pixels or images in Python.
"""
