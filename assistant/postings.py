"""The postings of a store as columns, so that a question need not look at a hundred thousand one by one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from knowledge.documents import JobPosting

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = TypeVar("Value", bound=Hashable)


class Selection(Sequence[JobPosting]):
    """Some of the postings, as `rows` of the list of all; `where` takes a part of it without a loop."""

    def __init__(self, everything: Sequence[JobPosting], rows: NDArray[np.intp]) -> None:
        self.everything = everything
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[JobPosting]:
        return map(self.everything.__getitem__, self.rows.tolist())

    @overload
    def __getitem__(self, at: int) -> JobPosting: ...

    @overload
    def __getitem__(self, at: slice) -> Selection: ...

    def __getitem__(self, at: int | slice) -> JobPosting | Selection:
        if isinstance(at, slice):
            return Selection(self.everything, self.rows[at])
        return self.everything[int(self.rows[at])]

    def where(self, mask: NDArray[np.bool_]) -> Selection:
        """Those for which `mask`, of shape (all postings,), is true."""
        return Selection(self.everything, self.rows[mask[self.rows]])


class Column:
    """One thing that postings say, each value kept once: `code` has the value's number for each posting.

    A posting that says nothing of it has the number of an empty value.
    """

    def __init__(self, values: Iterable[Any]) -> None:
        number: dict[Any, int] = {}
        self.code = np.fromiter((number.setdefault(value, len(number)) for value in values), dtype=np.intp)
        self.values: list[Any] = list(number)

    def where(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of shape (postings,): whose value is chosen, where `chosen` is of shape (values,)."""
        return chosen[self.code]

    def matching(self, fits: Callable[[Any], bool]) -> NDArray[np.bool_]:
        """Of shape (postings,): whose value fits."""
        return self.where(np.fromiter(map(fits, self.values), dtype=np.bool_, count=len(self.values)))


class ManyColumn:
    """One thing that postings say any number of times, such as their places."""

    def __init__(self, lists: Iterable[Iterable[Any]]) -> None:
        number: dict[Any, int] = {}
        owner: list[int] = []
        code: list[int] = []
        self.size = 0
        for row, values in enumerate(lists):
            self.size += 1
            for value in values:
                owner.append(row)
                code.append(number.setdefault(value, len(number)))
        self.owner = np.array(owner, dtype=np.intp)
        self.code = np.array(code, dtype=np.intp)
        self.values: list[Any] = list(number)

    def where(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of shape (postings,): those of which one value at least is chosen."""
        found = np.zeros(self.size, dtype=np.bool_)
        found[self.owner[chosen[self.code]]] = True
        return found


class TermIndex:
    """Which of some texts hold a term: an inverted index."""

    def __init__(self, terms: Sequence[frozenset[str]]) -> None:
        self.size = len(terms)
        listed: dict[str, list[int]] = {}
        for number, held in enumerate(terms):
            for term in held:
                listed.setdefault(term, []).append(number)
        self._listed = {term: np.array(numbers, dtype=np.intp) for term, numbers in listed.items()}

    def __contains__(self, term: str) -> bool:
        return term in self._listed

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def holding(self, term: str) -> NDArray[np.intp]:
        """Numbers of the texts that hold the term, in order."""
        return self._listed.get(term, _NOTHING)

    def mask(self, term: str) -> NDArray[np.bool_]:
        """Of shape (texts,): whether each holds the term."""
        found = np.zeros(self.size, dtype=np.bool_)
        found[self.holding(term)] = True
        return found


_NOTHING = np.zeros(0, dtype=np.intp)
