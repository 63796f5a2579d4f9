"""The titles of postings: which of them a text names, wholly or in part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, cast

import numpy as np

from assistant.postings import Column, TermIndex
from assistant.title_words import discipline_table, initials, phrase_key, spelled, split_terms
from knowledge.sentences import stem, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

SYNONYM = 0.52
"""What another word for a title's word counts, against the word itself."""

WHOLE = 0.99
"""Share of a title's words from which on all of them are said."""


class Titles:
    """The titles of all postings, each kept once and known by its number; `column` has the number of each posting's."""

    def __init__(self, titles: Iterable[str], tells: Callable[[str], bool]) -> None:
        """`tells`: whether a title names a kind of work, which "Open Position" does not."""
        self.column = Column(titles)
        self.terms = [frozenset(split_terms(title)) for title in self.column.values]
        self.index = TermIndex(self.terms)
        self._tells = tells
        self._keys = [phrase_key(title) for title in self.column.values]
        counts = np.bincount(self.column.code, minlength=len(self.column.values))
        total = max(len(self.column.code), 1)
        self._weight = {
            term: 1 + float(np.log(total / counts[self.index.holding(term)].sum())) for term in self.index
        }
        self._total = np.array([sum(map(self._weight.__getitem__, held)) for held in self.terms])
        self.naming = lru_cache(maxsize=16)(self._naming)
        self._within = lru_cache(maxsize=16)(self._found_within)

    def key(self, title: int) -> list[str]:
        """The words of a title as they are found in a text."""
        return self._keys[title].split()

    def where(self, titles: Iterable[int]) -> NDArray[np.bool_]:
        """Of shape (postings,): those with one of the titles."""
        return np.isin(self.column.code, list(titles))

    def named_in(self, text: str, least: int = 2) -> list[int]:
        """Numbers of the titles, of `least` words and more, that stand in the text; the longest first.

        Of "Senior Miller" and "Miller" in the same words only the longer one is meant.
        """
        least = min(least, len(words(text)))  # "Dishwasher?" can only be the title
        return [title for title in self._within(text) if self._keys[title].count(" ") > least]

    def _found_within(self, text: str) -> list[int]:
        said = phrase_key(text)
        near = np.flatnonzero(self.naming(text) > WHOLE).tolist()
        found = [n for n in near if self._keys[n] in said and self._tells(self.column.values[n])]
        keys = sorted({self._keys[n] for n in found}, key=len, reverse=True)
        for key in keys:
            if key in said:  # the spaces stay: two titles may share one
                said = said.replace(key, "  ")
            else:
                found = [n for n in found if self._keys[n] != key]
        # The stems of "Product Manager" are those of "Production Manager" too.
        plainly = spelled(text)
        exact = {self._keys[n] for n in found if spelled(self.column.values[n]) in plainly}
        found = [n for n in found if self._keys[n] not in exact or spelled(self.column.values[n]) in plainly]
        return sorted(found, key=lambda n: -len(self._keys[n]))

    def _naming(self, text: str) -> NDArray[np.float64]:
        """Share of each title's words, weighted by rarity among titles, that the text holds."""
        said = {*split_terms(text), *(stem(word) for word in words(text.replace("-", " ")))}
        scores: NDArray[np.float64] = np.zeros(len(self.terms))
        for term in sorted(said | set(initials(text))):
            scores[self.index.holding(term)] += self._weight.get(term, 0.0)
        # Another word for it is weaker than the title's own words, where another title has those.
        for term, numbers in sorted(self._synonyms(text).items()):
            if term not in said:
                scores[list(numbers)] += SYNONYM * self._weight[term]
        scores /= np.maximum(self._total, SYNONYM)
        return scores

    def _synonyms(self, text: str) -> dict[str, set[int]]:
        """Words of titles that belong to a discipline which the text names by another word."""
        groups, _, _ = discipline_table()
        said = phrase_key(text)
        found: dict[str, set[int]] = {}
        for group in groups:
            if any(phrase in said for phrase in group):
                for phrase in group:
                    for number in self.with_phrase(phrase):
                        for term in self.terms[number].intersection(phrase.split()):
                            found.setdefault(term, set()).add(number)
        return found

    def with_phrase(self, phrase: str) -> list[int]:
        """Numbers of the titles that hold a phrase, given as a key."""
        parts = [part for part in phrase.split() if part in self.index]
        if not parts:
            return []
        holding = reduce(np.intersect1d, map(self.index.holding, parts)).tolist()
        # A single word is one that the title holds; of several, the order counts.
        if phrase.count(" ") == 2:
            return cast("list[int]", holding)
        return [number for number in holding if phrase in self._keys[number]]

    def weights(self, wish: Iterable[str]) -> NDArray[np.float64]:
        """Of shape (titles,): how many of the words of a wish each title holds, each counted by how rare it is."""
        weights: NDArray[np.float64] = np.zeros(len(self.terms))
        for term in sorted({term for word in wish for term in split_terms(word)}):
            weights[self.index.holding(term)] += self._weight.get(term, 0.0)
        return weights

    def with_terms(self, asked: Iterable[frozenset[str]]) -> NDArray[np.bool_]:
        """Of shape (postings,): those whose title holds all terms of one of `asked`."""
        every = (np.logical_and.reduce([self.index.mask(term) for term in held]) for held in asked if held)
        return self.column.where(np.logical_or.reduce(list(every)))
