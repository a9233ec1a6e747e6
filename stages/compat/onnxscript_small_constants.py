"""onnxscript's optimizer treats constants below 1e-8 as 0 and removes their addition: a logarithm loses its
floor, and silence becomes minus infinity.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from onnxscript import rewriter
from onnxscript.rewriter.rules.common import _no_op

SEEN_WITH = {"onnxscript": ("0.5", "0.6", "0.7")}


@contextmanager
def small_constants() -> Iterator[None]:
    """An export in this context keeps additions of small constants."""
    approximate = list(_no_op.rules)
    exact = tuple(rule for rule in rewriter._DEFAULT_REWRITE_RULES if rule not in approximate)
    with patch.object(rewriter, "_DEFAULT_REWRITE_RULES", exact):
        yield
