"""Many specs at once, as a chapter names them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Annotated, Any, cast

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from reluclf.spec import Spec, SpecError

#: Most seeds of one experiment: a slip of the finger must not make a campaign of a billion runs.
MOST_SEEDS = 10_000


def grid(**fields: Any) -> list[Spec]:
    """Name every combination of the given values, as specs.

    Parameters
    ----------
    **fields
        For each field of :class:`Spec` one value, or a list, range or other collection of values.

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
    return [
        Spec(**dict(zip(fields, combination, strict=True)))
        for combination in itertools.product(*map(_listed, fields.values()))
    ]


def allowed(name: str, values: Any) -> list[Any]:
    """List the values of a field that are asked for: one, or those of a collection.

    Raises
    ------
    SpecError
        If a spec has no such field, or the field no such value.

    Examples
    --------
    >>> allowed("seed", first(2)), allowed("head", "relu")
    ([1, 2], ['relu'])
    """
    if name not in Spec.model_fields:
        fields = ", ".join(Spec.model_fields)
        raise SpecError(f"{name} is not a field of a spec; those are {fields}.")
    field = Spec.model_fields[name]
    values_of = cast(Any, Annotated[field.annotation, field])
    kind: TypeAdapter[Any] = TypeAdapter(values_of, config=ConfigDict(strict=True))
    listed = _listed(values)
    for value in listed:
        try:
            kind.validate_python(value)
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            raise SpecError(
                f"{name}={value!r} is not allowed: {why[0].lower()}{why[1:]}."
            ) from None
    return listed


def _listed(values: Any) -> list[Any]:
    """One value, or those of a collection, as a list; NumPy's numbers are as good as Python's."""
    one = isinstance(values, str) or not isinstance(values, Iterable)
    one = one or getattr(values, "shape", None) == ()
    several = [values] if one else values
    return [value.item() if isinstance(value, np.generic) else value for value in several]


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
