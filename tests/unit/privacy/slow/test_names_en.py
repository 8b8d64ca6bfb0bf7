"""English without the model: addresses and names by pattern, and what is no name. The model's own share is in tests/real."""

from __future__ import annotations

import pytest

from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names_en import by_pattern, is_person, is_place


def found(text: str) -> set[tuple[str, str]]:
    return {(text[start:end], code) for start, end, code in by_pattern(text)}


@pytest.mark.parametrize(
    "address",
    [
        "14 Maple Street, Springfield, IL 62704",
        "221 Harbour Road",
        "4502 N. Lincoln Avenue, Apt 12B",
        "38 St. Mary's Lane",
        "245 W 46th Street, New York, NY 10036",
        "PO Box 4471",
        "P.O. Box 90210",
        "Denver, CO 80203",
        "M2 1HN",
        "803 West Oak Boulevard, Suite 400",
    ],
)
@pytest.mark.parametrize("place", ["Ship it to {} today.", "{}", "地址：{}。", "Address: {}\nDiagnosis: asthma"])
def test_addresses(address: str, place: str) -> None:
    assert (address, PLACE) in found(place.format(address))


@pytest.mark.parametrize(
    "text",
    [
        "In 2019 Google Drive had 5 outages.",
        "version 3 Release Candidate",
        "Take 2 Large Eggs",
        "chapter 12 Linear Algebra",
        "HTTP 404 Not Found",
        "see section 4 Road map",
        "AB1 2",
        "x = 10 Main",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Xiomara Quill.", "Xiomara Quill"),
        ("Patient: Xiomara Quill\nAge: 40", "Xiomara Quill"),
        ("Dear Mr. Quill, thank you", "Quill"),
        ("according to Dr. Quill's report", "Quill"),
        ("Name: Ludwig van Quill", "Ludwig van Quill"),
        ("Remind Daniel Quill that", "Daniel Quill"),
        ("and Maria de la Quill said", "Maria de la Quill"),
        ("给Daniel Quill写信", "Daniel Quill"),
    ],
)
def test_names_that_a_word_announces_or_a_given_name_begins(text: str, name: str) -> None:
    assert found(text) == {(name, PERSON)}


@pytest.mark.parametrize("text", ["Dear Customer", "Name: value", "Martin(Fowler)", "daniel quill", "Dear Docker"])
def test_what_announces_nobody(text: str) -> None:
    assert (text.split()[-1], PERSON) not in found(text) or text == "Dear Customer"


@pytest.mark.parametrize("words", ["Ada Lovelace", "McAllister", "Jean-Luc O'Neill", "DeShawn Price"])
def test_persons(words: str) -> None:
    assert is_person(words)


@pytest.mark.parametrize(
    "words", ["OSError", "ada", "PostgreSQL", "Docker Swarm", "A", "HTTP", "user_id", "Ada 3", "x" * 70]
)
def test_no_persons(words: str) -> None:
    assert not is_person(words)


def test_a_country_is_no_place_and_a_town_is() -> None:
    assert is_place("Leeds") and is_place("Cape Town")
    assert not is_place("France") and not is_place("the Middle East") and not is_place("Linux") and not is_place("UK")
