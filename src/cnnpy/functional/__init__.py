"""The public functions: ``<op>_forward`` and ``<op>_backward`` for every row of OPS.

Each validates its inputs once, computes on the backend of the moment (see
:class:`cnnpy.use_backend`) and returns arrays that are the caller's own. Forward
returns ``(out, cache)``; backward takes the gradient of the output and the cache
and returns the gradients of the inputs in their order, a single one by itself.
Inputs are never changed; the running statistics of batch_norm are the one
exception.
"""

from cnnpy.functional.activation import *  # noqa: F403
from cnnpy.functional.activation import __all__ as _activation
from cnnpy.functional.call import Cache
from cnnpy.functional.conv import *  # noqa: F403
from cnnpy.functional.conv import __all__ as _conv
from cnnpy.functional.linear import *  # noqa: F403
from cnnpy.functional.linear import __all__ as _linear
from cnnpy.functional.loss import *  # noqa: F403
from cnnpy.functional.loss import __all__ as _loss
from cnnpy.functional.norm import *  # noqa: F403
from cnnpy.functional.norm import __all__ as _norm
from cnnpy.functional.pool import *  # noqa: F403
from cnnpy.functional.pool import __all__ as _pool
from cnnpy.functional.shape import *  # noqa: F403
from cnnpy.functional.shape import __all__ as _shape

__all__ = ["Cache", *_activation, *_conv, *_linear, *_loss, *_norm, *_pool, *_shape]
