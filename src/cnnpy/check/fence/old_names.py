"""What Python 2 and old NumPy had and the present ones have not: by name, what to write now.

Of what has an equal the equal stands beside it, and is put back while code is judged. The rest
is told where it raises: by the error's own words, or by the line that does not parse.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = [
    "A_FLOAT_FOR_A_SIZE",
    "BUILTINS",
    "LIB",
    "METHODS",
    "MODULES",
    "NUMPY",
    "NUMPY_IS_GONE",
    "SEQUENCES",
    "SYNTAX",
    "WORDS",
]

BUILTINS: Mapping[str, tuple[Any, str]] = {
    # name: what does the same today, where anything does, and how it is written
    "xrange": (range, "range"),
    "unicode": (str, "str"),
    "basestring": (None, "str"),
    "long": (int, "int"),
    "raw_input": (None, "input"),
    "reduce": (None, "from functools import reduce"),
    "unichr": (chr, "chr"),
    "cmp": (lambda a, b: (a > b) - (a < b), "(a > b) - (a < b)"),
    "apply": (lambda f, a=(), k={}: f(*a, **k), "f(*arguments)"),
    "execfile": (None, "exec(open(path).read())"),
    "file": (None, "open"),
    "intern": (None, "sys.intern"),
    "buffer": (None, "memoryview"),
    "reload": (None, "importlib.reload"),
}

NUMPY: Mapping[str, tuple[Any, str]] = {
    # gone in NumPy 1.24: other names of Python's own types
    "int": (int, "int"),
    "float": (float, "float"),
    "bool": (bool, "bool"),
    "object": (object, "object"),
    "complex": (complex, "complex"),
    "str": (str, "str"),
    "unicode": (str, "str"),
    # types
    "float_": (np.float64, "np.float64"),
    "int_": (np.int64, "np.int64"),
    "complex_": (np.complex128, "np.complex128"),
    "cfloat": (np.complex128, "np.complex128"),
    "singlecomplex": (np.complex64, "np.complex64"),
    "longfloat": (np.longdouble, "np.longdouble"),
    "longcomplex": (np.clongdouble, "np.clongdouble"),
    "clongfloat": (np.clongdouble, "np.clongdouble"),
    "bool8": (np.bool_, "np.bool_"),
    "int0": (np.intp, "np.intp"),
    "uint0": (np.uintp, "np.uintp"),
    "object0": (np.object_, "object"),
    "str0": (np.str_, "np.str_"),
    "bytes0": (np.bytes_, "np.bytes_"),
    "void0": (np.void, "np.void"),
    "unicode_": (np.str_, "np.str_"),
    "string_": (np.bytes_, "np.bytes_"),
    # numbers
    "Inf": (np.inf, "np.inf"),
    "Infinity": (np.inf, "np.inf"),
    "PINF": (np.inf, "np.inf"),
    "NINF": (-np.inf, "-np.inf"),
    "NaN": (np.nan, "np.nan"),
    "infty": (np.inf, "np.inf"),
    "PZERO": (0.0, "0.0"),
    "NZERO": (-0.0, "-0.0"),
    # functions
    "product": (np.prod, "np.prod"),
    "cumproduct": (np.cumprod, "np.cumprod"),
    "alltrue": (np.all, "np.all"),
    "sometrue": (np.any, "np.any"),
    "round_": (np.round, "np.round"),
    "row_stack": (np.vstack, "np.vstack"),
    "in1d": (np.isin, "np.isin"),
    "asscalar": (lambda a: a.item(), "a.item()"),
    "msort": (lambda a: np.sort(a, axis=0), "np.sort(a, axis=0)"),
    "mat": (np.asmatrix, "np.asarray, or np.asmatrix where a matrix is meant"),
    "asfarray": (lambda a, dtype=np.float64: np.asarray(a, dtype), "np.asarray(a, dtype=float)"),
    "fastCopyAndTranspose": (lambda a: a.T.copy(), "a.T.copy()"),
    "alen": (len, "len"),
    "rank": (np.ndim, "np.ndim"),
    "trapz": (getattr(np, "trapezoid", None), "np.trapezoid"),
    "disp": (print, "print"),
    "math": (math, "math"),
    "issubsctype": (np.issubdtype, "np.issubdtype"),
    "issubclass_": (issubclass, "issubclass"),
    "issctype": (lambda t: isinstance(t, type) and issubclass(t, np.generic), "issubclass"),
    "obj2sctype": (lambda t: np.dtype(t).type, "np.dtype(t).type"),
    "sctype2char": (lambda t: np.dtype(t).char, "np.dtype(t).char"),
}

_OF_LIB = """
    pad tile kron split array_split hsplit vsplit dsplit expand_dims column_stack dstack
    apply_along_axis apply_over_axes diag diagflat eye fliplr flipud tri triu tril vander
    histogram histogram2d tril_indices triu_indices mask_indices select piecewise trim_zeros
    copy percentile quantile diff gradient angle unwrap flip rot90 extract place average
    bincount digitize cov corrcoef median sinc hamming hanning blackman bartlett kaiser
    meshgrid delete insert append interp nansum nanmax nanmin nanargmax nanargmin nanmean
    nanmedian nanvar nanstd nanprod unique isin intersect1d union1d setdiff1d setxor1d  ediff1d
    broadcast_to broadcast_arrays ravel_multi_index unravel_index mgrid ogrid r_ c_  s_ ix_
    ndenumerate ndindex fill_diagonal diag_indices iscomplexobj isrealobj nan_to_num  real imag
    fix isneginf isposinf save load savez loadtxt savetxt genfromtxt poly polyfit  polyval roots
    vectorize
"""
LIB = frozenset(_OF_LIB.split())
"""What ``np.lib`` handed on to 1.26 and ``np`` itself has: ``np.lib.pad`` is ``np.pad``."""

METHODS: Mapping[str, str] = {
    # what arrays, dictionaries and iterators had
    "'numpy.ndarray' object has no attribute 'itemset'": "a.itemset(k, v) is a[k] = v in NumPy 2",
    "'numpy.ndarray' object has no attribute 'ptp'": "a.ptp() is np.ptp(a) in NumPy 2",
    "'numpy.ndarray' object has no attribute 'tostring'": "a.tostring() is a.tobytes() now",
    "'numpy.ndarray' object has no attribute 'newbyteorder'": (
        "a.newbyteorder() is a.view(a.dtype.newbyteorder()) in NumPy 2"
    ),
    "has no attribute 'iteritems'": "dict.iteritems is dict.items in Python 3",
    "has no attribute 'itervalues'": "dict.itervalues is dict.values in Python 3",
    "has no attribute 'iterkeys'": "dict.iterkeys is dict.keys in Python 3",
    "has no attribute 'has_key'": "d.has_key(k) is k in d in Python 3",
    "'str' object has no attribute 'decode'": "a str is text already in Python 3: drop decode",
    "iterator' object has no attribute 'next'": "it.next() is next(it) in Python 3",
    "'generator' object has no attribute 'next'": "it.next() is next(it) in Python 3",
}

MODULES: Mapping[str, Mapping[str, tuple[Any, str]]] = {
    "itertools": {
        "izip": (zip, "zip"),
        "imap": (map, "map"),
        "ifilter": (filter, "filter"),
        "izip_longest": (itertools.zip_longest, "itertools.zip_longest"),
    },
    "time": {"clock": (None, "time.perf_counter")},
    "sys": {"maxint": (None, "sys.maxsize"), "setdefaultencoding": (None, "nothing")},
    "string": {
        "letters": (None, "string.ascii_letters"),
        "lowercase": (None, "string.ascii_lowercase"),
        "join": (None, "separator.join(words)"),
    },
    "collections": {
        name: (None, f"collections.abc.{name}")
        for name in ("Iterable", "Sequence", "Mapping", "MutableMapping", "Callable", "Hashable")
    },
    "inspect": {"getargspec": (None, "inspect.getfullargspec")},
    "fractions": {"gcd": (None, "math.gcd")},
    "os": {"getcwdu": (None, "os.getcwd")},
}
"""By module of Python, what it had."""

WORDS: tuple[tuple[str, str], ...] = (
    # what an error says, and what to change
    ("Missing parentheses in call to 'print'", "print is a function in Python 3: print(...)"),
    ("Missing parentheses in call to 'exec'", "exec is a function in Python 3: exec(...)"),
    ("inconsistent use of tabs", "indent with spaces only: Python 3 does not mix them with tabs"),
    ("multiple exception types must be paren", "write except (A, B) as error: in Python 3"),
    ("leading zeros in decimal integer", "numbers of base 8 are written 0o777 in Python 3"),
    ("parameters cannot be parenthesized", "take one parameter, and take it apart inside"),
    ("'float' object cannot be interpreted as an integer", "/ gives a float in Python 3: use //"),
    ("slice indices must be integers", "/ gives a float in Python 3: use // for sizes"),
    ("list indices must be integers or slices, not float", "/ gives a float: use // for indices"),
    ("can't multiply sequence by non-int of type 'float'", "/ gives a float in Python 3: use //"),
    ("only integers, slices", "/ gives a float in Python 3: use // for indices"),
    (
        "from dtype('float64') to dtype('int64')",
        "/ gives a float in Python 3: use // for indices",
    ),
    (
        "only 0-dimensional arrays can be converted",
        "NumPy no longer takes an array of one number for a number: write a.item(), or a[0]",
    ),
    (
        "arrays used as indices must be of integer",
        "NumPy takes whole numbers alone for indices: write index.astype(int)",
    ),
    ("Unable to avoid copy", "np.array(a, copy=False) is np.asarray(a) since NumPy 2"),
    ("unexpected keyword argument 'newshape'", "newshape is shape in np.reshape now"),
    ("Calling np.sum(generator)", "NumPy no longer sums a generator up: write sum(...)"),
    (
        "inhomogeneous shape",
        "NumPy no longer makes an array of rows that differ in length: keep a list of them",
    ),
    ("numpy boolean negative", "-mask is ~mask in NumPy"),
    ("numpy boolean subtract", "a - b is a ^ b for masks in NumPy"),
    ("arrays to stack must be passed as", "NumPy no longer stacks a generator: give it a list"),
    ("input argument needs to be a sequence", "NumPy no longer joins a generator: give it a list"),
    ("for >>: 'builtin_function", "print >> file, words is print(words, file=file) in Python 3"),
    ("is now private. If you are using", "np.lib.index_tricks.f is np.f since NumPy 2"),
    ("No module named 'cPickle'", "cPickle is pickle in Python 3"),
    ("No module named 'past'", "drop the imports from past: Python 3 needs none of them"),
    ("No module named 'StringIO'", "StringIO.StringIO is io.StringIO in Python 3"),
    ("No module named 'Queue'", "Queue is queue in Python 3"),
    ("No module named '__builtin__'", "__builtin__ is builtins in Python 3"),
    ("No module named 'urllib2'", "urllib2 is urllib.request in Python 3"),
    ("No module named 'ConfigParser'", "ConfigParser is configparser in Python 3"),
    ("name 'get_ipython' is not defined", "get_ipython is of a notebook: drop this line"),
)

_GAVE_A_LIST = "dict_keys|dict_values|dict_items|map|zip|filter"
SEQUENCES = re.compile(
    rf"'({_GAVE_A_LIST})' object (?:is not subscriptable|does not support item assignment"
    r"|has no attribute '(?:sort|append|reverse|index|remove|pop|extend|insert)')"
    rf"|'(range)' object (?:does not support item|has no attribute '(?:sort|append|reverse)')"
    rf"|object of type '({_GAVE_A_LIST})' has no len"
    rf"|for \S+: '({_GAVE_A_LIST}|range)' and '(?:list|range|dict_\w+|map|zip|filter)'"
    rf"|for \S+: '(?:list)' and '({_GAVE_A_LIST}|range)'"
)
"""What an error says where Python 2 gave a list, and Python 3 gives none."""

A_FLOAT_FOR_A_SIZE = re.compile(r"a single integer, got '-?\d+\.\d*'")
"""What ``np.zeros(3.0)`` says."""

NUMPY_IS_GONE = re.compile(r"`(np\.\w+)` was removed in the NumPy \S+ release\.\s*(.*)", re.DOTALL)
"""What NumPy itself says of a name that it had."""

SYNTAX: tuple[tuple[str, str], ...] = (
    # what stands in a line that is no Python 3, and what to change
    (r"^\s*raise\s+\w[\w.]*\s*,", "write raise Error(words) in Python 3"),
    (r"<>", "a <> b is a != b in Python 3"),
    (r"`[^`]+`", "`a` is repr(a) in Python 3"),
    (r"\b[uU][rR]['\"]", "drop the u of ur'...' in Python 3"),
    (r"\b\d+[lL]\b", "drop the L of 10L: a whole number is as long as it has to be in Python 3"),
    (r"^\s*[%!]\w", "a line with % or ! in front is of a notebook: drop it"),
    (r"^(<{7}|={7}|>{7})", "two versions of the file stand here: keep one of them"),
)
