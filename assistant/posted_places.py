"""The places that postings name, however small: which of them a text speaks of, and what lies inside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from assistant.postings import ManyColumn
from assistant.title_words import discipline_table
from knowledge.labels import classify
from knowledge.places import PlaceTable, find_places
from knowledge.sentences import plain, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PostedPlaces:
    """The places of all postings, as their lines name them: "Opava, Czechia"."""

    def __init__(self, locations: Iterable[Iterable[str]], company_words: Iterable[str]) -> None:
        """`company_words`: words that name the company, and in a question no place, unless a posting is there."""
        self.column = ManyColumn(locations)
        self.company_words = frozenset(company_words) - {
            word for line in self.column.values for word in words(line)
        }
        self._table = PlaceTable(self.column.values)
        self._towns, self._lines = self._towns_written()

    def _towns_written(self) -> tuple[dict[str, str], dict[str, list[int]]]:
        """Towns of the postings by their plain words: each as it is mostly written, and the lines that name it."""
        written: dict[str, Counter[str]] = {}
        lines: dict[str, list[int]] = {}
        for number, line in enumerate(self.column.values):
            # "IN United States" is a place in Indiana: the letters before it are no part of the name.
            for town in re.split(r"\s*(?:,| [-–|/] |[()])\s*(?:[A-Z]{2} )?", line.strip()):
                if len(town) > 3 and classify(town) is None and (key := _place_key(town)):
                    written.setdefault(key, Counter())[town] += 1
                    lines.setdefault(key, []).append(number)
        return {key: max(sorted(found), key=found.__getitem__) for key, found in written.items()}, lines

    def inside(self, place: str) -> NDArray[np.bool_]:
        """Of shape (postings,): those in a place, be it one that no gazetteer knows."""
        lines = self._table.within(place)
        lines[self._lines.get(" ".join(words(place)), [])] = True
        return self.column.where(lines)

    def named_in(self, text: str) -> list[str]:
        """The places a text names, those of the postings among them however small or unaccented."""
        said = words(text)
        longest = max((key.count(" ") + 1 for key in self._towns), default=0) if said else 0
        own: list[str] = []
        start = 0
        while start < len(said):
            sizes = range(min(longest, len(said) - start), 0, -1)
            size = next((n for n in sizes if " ".join(said[start : start + n]) in self._towns), 0)
            if size:
                own.append(self._towns[" ".join(said[start : start + size])])
            start += size or 1
        found = [place for place in find_places(text) if plain(place) not in self.company_words]
        own = [town for town in dict.fromkeys(own) if not any(_is_part(town, place) for place in found)]
        # "Ottawa Lake" is a town of its own, and not in Ottawa.
        covered = [set(words(town)) for town in own]
        rest = [place for place in found if not any(set(words(place)) <= names for names in covered)]
        return [*sorted(own), *rest]


def _place_key(town: str) -> str:
    """A town's plain words; "" where they only ask for jobs: a board may print "Open" for a place."""
    _, job_words, open_words = discipline_table()
    said = words(town)
    return "" if (job_words | open_words).issuperset(said) else " ".join(said)


def _is_part(town: str, place: str) -> bool:
    """Whether a place that was found in the text is the town and more: "Paris" in "Paris, France"."""
    return "," in place and set(words(town)) < set(words(place))
