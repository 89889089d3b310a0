"""Many specs at once, as a chapter names them."""

from __future__ import annotations

import itertools
from typing import Any

from reluclf.spec import Spec, SpecError

#: Most seeds of one experiment: a slip of the finger must not make a campaign of a billion runs.
MOST_SEEDS = 10_000


def grid(**fields: Any) -> list[Spec]:
    """Name every combination of the given values, as specs.

    Parameters
    ----------
    **fields
        For each field of :class:`Spec` one value, or a list, tuple or range of values.

    Returns
    -------
    list of Spec
        In the order of :func:`itertools.product`: the last field varies fastest.

    Raises
    ------
    SpecError
        If a field is unknown, a value not allowed, or a combination impossible.

    Examples
    --------
    >>> network = dict(dataset="wdbc", architecture="ffnn", protocol="fresh")
    >>> for spec in grid(**network, head=["softmax", "relu"], seed=first(2)):
    ...     print(spec)
    wdbc/ffnn-softmax/fresh/seed-1
    wdbc/ffnn-softmax/fresh/seed-2
    wdbc/ffnn-relu/fresh/seed-1
    wdbc/ffnn-relu/fresh/seed-2
    """
    values = [
        value if isinstance(value, (list, tuple, range)) else [value] for value in fields.values()
    ]
    return [
        Spec(**dict(zip(fields, combination, strict=True)))
        for combination in itertools.product(*values)
    ]


def first(n: int) -> range:
    """Name the first ``n`` seeds, 1 to :data:`MOST_SEEDS` of them, else :class:`SpecError`.

    Examples
    --------
    >>> list(first(3))
    [1, 2, 3]
    """
    if not 1 <= n <= MOST_SEEDS:
        raise SpecError(f"{n} seeds are not allowed; 1 to {MOST_SEEDS} are.")
    return range(1, n + 1)
