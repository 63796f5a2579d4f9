"""What a question asks of roles by its own words: which there are, how many, of what kind, which fact of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.questions import Question
from assistant.title_words import disciplines
from assistant.topics import folded
from knowledge.labels import LabelKind, canonical, classify
from knowledge.places import find_places
from knowledge.sentences import terms, words

_FIELD_PATTERNS = {
    "apply": r"\b(apply|applying|application form|submit|hand in|send (in )?(my|a|an|the)? ?(cv|resume|application|portfolio)"
    r"|postuler|candidature|bewerben|bewerbung|solicitar|postular|להגיש|подати)\b",
    "closes": r"\b(deadline|closing date|close[sd]?|last day to|last day|until when|by when|apply by|date limite|frist|"
    r"bewerbungsfrist|bewerbungsschluss|fecha limite|plazo)\b",
    "workplace_type": r"\b(remote|remotely|hybrid|on ?site|from home|home ?office|teletravail|a distance|teletrabajo|"
    r"in the office|presencial|vor ort)\b",
    "employment_type": r"\b(full ?time|part ?time|permanent|temporary|temp|fixed term|contract type|type of contract|"
    r"internship|intern|student job|freelance|casual|term|indeterminate|temps (plein|partiel)|cdi|cdd|vollzeit|"
    r"teilzeit|befristet|unbefristet|werkstudent|praktikum|jornada|indefinido|temporal)\b",
    "level": r"\b(entry ?level|junior|people manager|manage people|seniority|berufseinsteiger|debutant)\b",
    "salary": r"\b(how much (do|does|would|will|can|could|is|are) .{0,40}\b(offer|make|get|pay|earn)|salary|pay|paid|earn|wage|compensation|salaire|remuneration|gehalt|verdien\w*|lohn|salario|sueldo)\b",
    "locations": r"\b(where|location|located|based|which (city|cities|office|town|country)|what (city|office|town)|"
    r"ou (est|se|sera)|lieu|wo|standort|donde|ubicacion|איפה|היכן|де)\b",
    "department": r"\b(which|what|quelle?s?|welche[sr]?|que) (team|department|unit|group|division|area|equipe|unite|"
    r"service|abteilung|bereich|equipo|departamento)\b",
}
_FIELDS = {name: re.compile(pattern) for name, pattern in _FIELD_PATTERNS.items()}

_NOUNS = (
    r"(jobs?|roles?|positions?|openings?|vacanc(y|ies)|postings?|opportunit(y|ies)|listings?|careers?|internships?|"
    r"placements?|apprenticeships?|postes?|emplois?|offres?|stages?|stellen?|stellenangebote?|jobangebote?|vakanz(en)?|"
    r"praktik(a|um)|ausbildungsplatze?|puestos?|vacantes?|empleos?|ofertas?|practicas|משרות|משרה|תפקידים|вакансі[їяій]+|посади?)"
)
_SEVERAL_NOUNS = r"(jobs|roles|positions|openings|vacancies|opportunities|emplois|postes|stellen|jobangebote|empleos|puestos)"
_LABELLED = frozenset(kind.value for kind in LabelKind)
_LISTING = re.compile(
    rf"\b(any|more|other|all|list|show|available|current|currently|every|find|see|open|other|avez|y a t il|cherchez|"
    rf"recherchez|recrutez|embauchez|existe|gibt es|habt ihr|sucht|haben sie|suchen|offene[nrs]?|freie[nrs]?|hay|tienen|"
    rf"ouverts?|ouvertes?|abiert[oa]s|buscan|buscais|got|have|are there|is there|interested in|looking for|searching for|"
    rf"searching|aucun|יש|є|шукаєте)\b.{{0,60}}\b{_NOUNS}\b"
    rf"|\b{_NOUNS}\b.{{0,40}}\b(open|available|going|free|vacant|do you have|have you got|are there|offer|listed|right now|"
    rf"at the moment|currently|ouverts?|ouvertes?|disponibles?|offen|frei|verfugbar|abiert[oa]s|hay|avez vous|habt ihr|"
    rf"פתוחות|відкриті|suit|fit|match)\b"
    rf"|\b(what|which|quel(le)?s?|welche[rsn]?|que|cuales|אילו|які)\b.{{0,30}}\b{_NOUNS}\b(?!.{{0,30}}\b(ask|require|need|"
    rf"involve|pay|demand|entail)s?\b)"
)
_HIRING = re.compile(
    r"\b(are|r|is) (you|u|you guys|they|(the |your )?(company|team)) (\w+ ){0,2}(hiring|recruiting|looking for|searching for|seeking|in need of)\b|"
    r"\b(do|does) (you|u|they|(the |your )?(company|team)) (currently |still |also |even |ever )?"
    r"(hire|recruit|need|want|seek|look for|search for|employ) (any|an?|more|new|another)\b|"
    r"\b(still|currently) (hiring|recruiting|looking for)\b|\bhiring (for|any|right now|at the moment|now)\b|"
    r"\bwhat (else )?can i apply (for|to)\b|"
    r"\b(cherchez|recherchez|recrutez|embauchez) vous\b|\b(sucht ihr|suchen sie|stellt ihr ein)\b|\b(buscan|buscais|contratan)\b"
)
_SUITS = re.compile(
    r"\b(suit|suits|fit|fits|for me|for my|for someone|for people|handy|match|matches|relevant|use someone|need someone"
    r"|pour moi|fur mich|para mi)\b"
)
_OPEN_ASK = re.compile(
    r"\bwhat( s| is| do you have| have you got| would| could| else)? (there|for me|you have|suits?|fits?)\b|"
    r"\b(which|something|anything|any|quoi|gibt( es|s) was|etwas|que|algo)\b"
)
_ANYTHING_FOR = re.compile(
    r"\b(anything|something|any ?one|stuff|quelque chose|etwas|gibt( es|s) was|algo)\b.{0,30}\b(for|in|as|around|open|with|pour|en|"
    r"comme|fur|als|im|para|como|de)\b"
)
_UNITS = r"(years?|months?|weeks?|days?|hours?|rounds?|interviews?|people|applicants?|candidates?|jahre|tage|ans|jours|anos|dias)"
_COUNTING = re.compile(
    rf"\b(how many|number of|total (number )?of|combien de|wie viele|cuant[oa]s?|כמה|скільки)\b"
    rf"( (?!{_UNITS}\b)\S+){{0,3}} {_NOUNS}"
    r"|\b(how many|combien|wie viele|cuant[oa]s) (of them )?(are|do you have|have you got|sind|hay|sont)\b"
)
_WHICH_ONES = re.compile(
    r"\bwhich( (one|ones|of them|of these|of those))?\b.{0,20}\b(can|could|are|is|would|have)\b|"
    r"\b(anything|something|any of them)\b"
)
# Somebody's own job, or one spoken of before, is no wish to see a list.
_OWN_JOB = re.compile(
    r"\b(my|his|her|their|your|our|that|this|the|same|first|last|full|second|side|day|dream)"
    r" (current |present |previous |former |old |last |new |next |own |main )?(job|role|position|post|career|stage|listing)\b"
    r"|\b(job|role|position|career) (titles?|descriptions?|offers?|security|markets?|satisfaction|interviews?|shar\w+|paths?|"
    r"ladders?|levels?|growth|disappears?)\b"
)
_ROLE_TOPICS = frozenset(
    "open-positions internships entry-level what-we-look-for part-time remote-work hybrid contract-type office-location "
    "experience degree talent-pool multiple-applications hiring-countries shifts-weekends on-call team-size tech-stack "
    "language-requirement how-to-apply".split()
)
"""Topics on which somebody may still be asking which roles there are."""

_PROCEDURE = re.compile(r"\b(process|steps?|how (do|does|are|is|you)|what do you)\b")
_PROCESS = re.compile(
    rf"\b(how many {_UNITS}|process|steps?|stages?|rounds?|interviews?|how (do|does|is|are|long|you|to)|processus|etapes|ablauf|proceso|"
    r"tell me about|que (fait|font|hace|hacen)|was (macht|machen)|what (does|do|would|is the|are the|will)|who (is|s|would|will)|requirements?|qualif\w+)\b"
)
_ASKS_HOW = re.compile(r"^(why|how|what|warum|wie|was|pourquoi|comment|que|por que|como)\b")


def asked_kinds(text: str) -> set[LabelKind]:
    """The kinds of label a question asks about: contract, level or workplace."""
    found = {kind for kind in LabelKind if kind.value in _FIELDS and _FIELDS[kind.value].search(folded(text))}
    said = words(text.replace("-", " "))
    for size in (3, 2, 1):
        for start in range(len(said) - size + 1):
            kind = classify(" ".join(said[start : start + size]))
            # "Senior" and "lead" stand in titles: as single words they do not ask for a label.
            if kind and not (kind is LabelKind.LEVEL and size == 1):
                found.add(kind)
    return found


_NOT = re.compile(r"\b(not|aren t|isn t|other than|except|besides|nicht|kein|keine|pas|no son)\b")
_SAID_OTHERWISE = {
    "Remote": re.compile(
        r"\bremotely\b|\bfrom (my |the |your )?(own )?(home|house|kitchen|sofa|couch|living room|bedroom)\b|"
        r"\b(von zu hause|chez moi|desde casa)\b"
    ),
    "Part time": re.compile(r"\b(fewer|reduced|less) hours\b|\bhalf days?\b"),
}


def asked_labels(text: str) -> set[str]:
    """The contract and workplace labels a question names, in their canonical spelling."""
    plainly = folded(text)
    found = {label for label, pattern in _SAID_OTHERWISE.items() if pattern.search(plainly)}
    return found | {canonical(said) for said in _labels_said(text)}


def label_words(text: str) -> frozenset[str]:
    """The words, plain, by which a text names a contract or workplace; not the number of a shift."""
    return frozenset(word for said in _labels_said(text) for word in said.split() if not word.isdigit())


def _labels_said(text: str) -> Iterator[str]:
    said = words(text.replace("-", " "))
    for size in (3, 2, 1):
        for start in range(len(said) - size + 1):
            phrase_ = " ".join(said[start : start + size])
            if classify(phrase_) in (LabelKind.CONTRACT, LabelKind.WORKPLACE):
                yield phrase_


def excluded_labels(text: str) -> set[str]:
    """The labels a question does not want: "which are not full time?"."""
    denied = _NOT.search(folded(text))
    return asked_labels(folded(text)[denied.end() :]) if denied else set()


def fields_asked(text: str) -> list[str]:
    """The fields of a posting a question asks for, in the order in which they are tried."""
    said = folded(text)
    return [name for name, pattern in _FIELDS.items() if pattern.search(said)]


def asks_of_role(text: str) -> bool:
    """Whether a question asks for something of a role rather than for the role: a field, the work, how one applies."""
    said = folded(text)
    return bool(fields_asked(said) or _PROCESS.search(said) or _ASKS_HOW.search(said))


def codes_in(text: str) -> list[str]:
    """Codes such as a pay class "EC-07" that a text names."""
    return re.findall(r"\b[A-Za-z]{1,5}-?\d{1,3}\b", text)


def asks_for_list(question: Question) -> bool:
    """Whether a question wants to know which roles there are."""
    return asks_plainly(question) or _asks_in_passing(question)


def asks_plainly(question: Question) -> bool:
    """Whether it says so with a word for roles or hiring, wherever it is asked."""
    said = _OWN_JOB.sub(" ", folded(question.standalone))
    if _HIRING.search(said) and not _PROCEDURE.search(said):
        return True
    if not re.search(rf"\b{_NOUNS}\b", said):
        return False
    if _COUNTING.search(said):
        return True
    return bool(_LISTING.search(said) and not _PROCESS.search(said) and not _on_another_topic(question, 0.75))


def _on_another_topic(question: Question, least: float) -> bool:
    """Whether it is clearly about something else: "is there anything for my dog?", "what role does AI play?"."""
    if not question.topics:
        return False
    topic, likeness = question.topics[0]
    return likeness >= least and topic.id not in _ROLE_TOPICS


def _asks_in_passing(question: Question) -> bool:
    """Whether it may say so with few words: "anything in Gdynia?", "which ones are part time?"."""
    said = _OWN_JOB.sub(" ", folded(question.standalone))
    nouns = bool(re.search(rf"\b{_NOUNS}\b", said))
    places = find_places(question.text)
    labels = asked_labels(question.standalone)
    if not nouns and _on_another_topic(question, 0.6):
        return False
    short = len(terms(question.standalone, question.language)) <= 6
    about = nouns or places or labels or disciplines(question.standalone) or _SUITS.search(said)
    if short and about and _ANYTHING_FOR.search(said):
        return True
    if short and labels and _WHICH_ONES.search(said):
        return True
    if _SUITS.search(said) and _OPEN_ASK.search(said):
        return not fields_asked(question.standalone) and not re.search(
            r"\b(what|which) (is|are|does)\b(?! there)", said
        )
    if re.search(r"\b(any|is there|got) work\b", said):
        return True
    # "devops jobs?", "remote devops jobs?": a noun, a kind of work, and nothing else.
    if not nouns or len(words(said)) > 5 or _PROCESS.search(said):
        return False
    fields = set(fields_asked(said))
    return not fields or bool(
        labels and fields <= _LABELLED and re.search(rf"^(?!are\b).*\b{_SEVERAL_NOUNS}$", said)
    )


def asks_for_count(question: Question) -> bool:
    """Whether a question wants to know how many roles there are."""
    said = folded(question.text)
    return bool(
        _COUNTING.search(said)
        or (re.search(r"\b(how many|number of|total)\b", said) and asks_plainly(question))
    )
