"""Replies about roles: lists, counts, facts, closed postings and labels that cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from assistant_fakes import LABELS, MILL, asked, filled, posting
from conftest import WordEmbedder

from assistant.conversation import Outcome, Reply
from assistant.role_replies import RoleDesk, RoleMemory, Said
from knowledge.documents import JobPosting, Listing, Status
from knowledge.settings import load_settings


class Talk:
    """A desk over a store, and what it remembers."""

    def __init__(self, folder: Path, *jobs: JobPosting, listing: Listing | None = None) -> None:
        self.embedder = WordEmbedder()
        store = filled(folder, self.embedder, *jobs, listing=listing)
        self.desk = RoleDesk(store, (), load_settings(env_file=None, store=folder))
        self.memory = RoleMemory()
        self.before = ""

    def say(self, text: str, language: str = "en") -> Said:
        said = self.desk.answer(asked(text, self.embedder, self.before, language), self.memory)
        self.memory, self.before = said.memory, text
        return said

    def reply(self, text: str, language: str = "en") -> Reply:
        reply = self.say(text, language).reply
        assert reply is not None, f"nothing said to {text!r}"
        self.before = ""
        return reply

    def titles(self, text: str, language: str = "en") -> list[str]:
        return [job.title for job in self.reply(text, language).jobs]


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path / "store", *MILL)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("anything in opava?", "Payroll Accountant"),
        ("any work in Opava?", "Payroll Accountant"),
        ("which one can be done fully remotely?", "Data Analyst"),
        ("which of the roles are part time?", "Payroll Accountant"),
        ("which of the roles are not full time?", "Payroll Accountant"),
        ("jobs in the Workshop department", "Battery Workshop Technician"),
        ("any site reliability engineer jobs?", "SRE, Night Watch"),
        ("accountant job going?", "Payroll Accountant"),
    ],
)
def test_a_list_holds_what_was_asked_for_and_not_all(talk: Talk, question: str, title: str) -> None:
    titles = talk.titles(question)
    assert title in titles and len(titles) < 4


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("which roles are open?", "en"),
        ("what can i apply for right now", "en"),
        ("number of vacancies currently?", "en"),
        ("Welche Stellen sind gerade frei?", "de"),
        ("Quels postes sont ouverts ?", "fr"),
        ("¿Qué puestos hay?", "es"),
    ],
)
def test_all_open_roles_are_listed_and_no_closed_one(talk: Talk, question: str, language: str) -> None:
    titles = talk.titles(question, language)
    assert len(titles) == 4 and "Harbour Pilot" not in titles


def test_a_place_without_roles_is_a_no_with_what_there_is(talk: Talk) -> None:
    reply = talk.reply("any jobs in Berlin?")
    assert "No open position is listed for “Berlin”" in reply.text and len(reply.jobs) == 4


def test_the_count_is_what_is_listed_and_never_said_to_be_complete(tmp_path: Path) -> None:
    counted = Talk(tmp_path / "store", *MILL, listing=Listing(5, 16, "Showing 5 out of 16"))
    reply = counted.reply("how many openings are there?")
    assert "**4** open positions" in reply.text
    assert "Showing 5 out of 16" in reply.text and "may not be complete" in reply.text


@pytest.mark.parametrize(
    "question", ["Is the harbour pilot job still open?", "I'd love to become a harbour pilot with you"]
)
def test_a_closed_posting_is_said_to_be_closed(talk: Talk, question: str) -> None:
    assert "is closed" in talk.reply(question).text


def test_a_fact_comes_with_the_title_it_belongs_to(talk: Talk) -> None:
    reply = talk.reply("how much does the payroll accountant earn?")
    assert "€30 an hour" in reply.text
    assert "Payroll Accountant" in [citation.quote for citation in reply.citations]


def test_the_titles_own_words_win_over_other_words_for_them(talk: Talk) -> None:
    assert talk.titles("where does the battery technician work?") == ["Battery Workshop Technician"]


def test_a_duration_is_not_answered_with_a_contract_type(talk: Talk) -> None:
    assert talk.say("how many months does the payroll accountant contract run?").reply is None


def test_a_label_asked_of_the_role_before_is_no_wish_for_a_list(talk: Talk) -> None:
    talk.reply("any accountant jobs?")
    talk.before = "any accountant jobs?"
    assert talk.titles("is it a part time one?") == ["Payroll Accountant"]


def test_an_ordinal_means_the_list_before(talk: Talk) -> None:
    titles = talk.titles("which roles are open?")
    talk.before = "which roles are open?"
    assert talk.titles("and where is the second one?") == [titles[1]]


@pytest.mark.parametrize("question", ["is the night watch SRE an internship?", "is the data analyst remote?"])
def test_a_label_that_every_posting_prints_is_no_fact(tmp_path: Path, question: str) -> None:
    labelled = [replace(job, labels=LABELS, employment_type="", workplace_type="") for job in MILL]
    reply = Talk(tmp_path / "store", *labelled).reply(question)
    assert reply.outcome is Outcome.NOT_FOUND and "cannot be told" in reply.text


@pytest.mark.parametrize(
    "question",
    [
        "We lost a child and I got nothing in my current job. How would you treat that?",
        "when can I have another go at that job?",
        "what is left for me when my wife is at home?",
        "How many years must I have behind me?",
        "her job title please",
        "Do I earn anything before you hire me?",
    ],
)
def test_a_job_spoken_of_is_no_wish_for_a_list(talk: Talk, question: str) -> None:
    assert talk.say(question).reply is None


def test_something_in_a_place_after_another_subject_is_no_wish_for_a_list(talk: Talk) -> None:
    talk.before = "could I rent a flat from the mill?"
    assert talk.say("and is there something in Opava as well?").reply is None


def test_without_postings_a_wish_for_a_list_gets_an_honest_no(tmp_path: Path) -> None:
    assert Talk(tmp_path / "store").reply("which roles are open?").outcome is Outcome.NOT_FOUND


def test_a_closed_posting_named_in_full_is_closed_though_an_open_one_is_like_it(tmp_path: Path) -> None:
    talk = Talk(
        tmp_path / "store",
        posting("Senior Mill Hand", "Opava"),
        posting("Senior Mill Hand, Night Turbines", "Opava", status=Status.CLOSED),
    )
    reply = talk.reply("Is the Senior Mill Hand, Night Turbines job still open?")
    assert "closed" in reply.text and "As of" in reply.text
    assert talk.titles("Is the Senior Mill Hand job still open?") == ["Senior Mill Hand"]


ISLE = (
    posting("Oat Miller (Perm, Isle, Remote)", "Isle", text="", workplace_type="Remote"),
    posting("Silo Keeper", "Opava", text=""),
    posting("Silo Keeper", "Gdynia", text=""),
    posting("Silo Keeper", "Riga", status=Status.CLOSED),
    posting("Mehlprüfer im Labor", "Opava", language="de", text=""),
)


@pytest.fixture
def isle(tmp_path: Path) -> Talk:
    jobs = [replace(job, id=f"{job.id}-{n}", blocks=()) for n, job in enumerate(ISLE)]
    return Talk(tmp_path / "store", *jobs)


def test_a_word_beside_the_title_asks_for_a_fact_and_one_in_it_does_not(isle: Talk) -> None:
    remote = isle.reply("Is the Oat Miller (Perm, Isle, Remote) role remote?")
    assert "**Remote**" in remote.text
    listed = isle.reply("Do you look for an Oat Miller (Perm, Isle, Remote)?")
    assert listed.outcome is Outcome.ANSWERED and "listed:" in listed.text
    assert [job.title for job in listed.jobs] == ["Oat Miller (Perm, Isle, Remote)"]


@pytest.mark.parametrize(
    "question",
    [
        "Oat Miller (Perm, Isle, Remote)",
        "oat miller perm isle remote jobs?",
        "How many Oat Miller (Perm, Isle, Remote) do you need?",
        "Tell me about the Oat Miller (Perm, Isle, Remote)",
    ],
)
def test_a_question_with_nothing_but_a_title_brings_its_posting(isle: Talk, question: str) -> None:
    assert isle.titles(question)[0] == "Oat Miller (Perm, Isle, Remote)"


def test_a_title_of_another_language_is_found_when_it_is_named_in_full(isle: Talk) -> None:
    assert isle.titles("Sucht ihr einen Silo Keeper?", "de")[:2] == ["Silo Keeper", "Silo Keeper"]
    assert isle.titles("Le poste de Silo Keeper est-il encore ouvert ?", "fr")[0] == "Silo Keeper"
    assert isle.titles("Avez-vous encore besoin d'un Silo Keeper ?", "fr")[0] == "Silo Keeper"


def test_postings_of_one_title_are_told_apart_by_their_places(isle: Talk) -> None:
    reply = isle.reply("Is there a Silo Keeper opening in Gdynia?")
    assert [job.locations for job in reply.jobs] == [("Gdynia",)]


def test_a_closed_posting_does_not_hide_the_open_ones_of_its_title(isle: Talk) -> None:
    reply = isle.reply("Is the Silo Keeper role still open?")
    assert {job.status for job in reply.jobs} == {Status.OPEN}
