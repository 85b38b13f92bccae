"""Which passwords may be chosen, and how they are kept."""

from __future__ import annotations

import unicodedata

import pytest

from elearn.services import passwords
from elearn.services.passwords import WeakPassword, check_rules

OWN = ("meera.devi@office.gov.in", "Meera Devi", "MD-0142", "मीरा देवी")


@pytest.mark.parametrize(
    "good",
    [
        "three good words",
        "mango river lamp",
        "नदी आम दीपक",
        "ꯃꯪꯒꯣ ꯅꯨꯡ ꯊꯋꯥꯏ",
        "Kx9$vQ2!mZpL",
        "kangla fort morning",
        "!!!! river ????",
    ],
)
def test_what_is_long_and_hard_to_guess_may_be_chosen(good: str) -> None:
    check_rules(good, OWN)


@pytest.mark.parametrize("short", ["", "river", "ninechars", "नदी आम"])
def test_short_is_refused(short: str) -> None:
    with pytest.raises(WeakPassword) as why:
        check_rules(short)
    assert why.value.reason == "too-short"


def test_what_may_be_chosen_signs_in_however_it_is_typed() -> None:
    """A phone that sends each letter and its accents apart sends twice as many characters."""
    composed = "é" * 100 + " river lamp " + "à" * 100
    apart = unicodedata.normalize("NFD", composed)
    assert len(apart) > passwords.LONGEST >= len(composed)
    check_rules(apart)
    for typed in (apart, composed):
        assert passwords.matches(passwords.hash_of(apart), typed)


def test_longer_than_the_longest_is_refused() -> None:
    long = " ".join(f"lamp{number}" for number in range(1, 40))[:256]
    check_rules(long)
    with pytest.raises(WeakPassword) as why:
        check_rules(long + "x")
    assert why.value.reason == "too-long"


@pytest.mark.parametrize(
    "common",
    [
        "password123",
        "P@ssw0rd2024!",
        "collector@123",
        "Imphal@2024",
        "GovtOffice#1",
        "1234567890",
        "9876543210",
        "qwertyuiop12",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "i love india",
        "jai hind 123",
        "ꯃꯅꯤꯄꯨꯔ 1234567",
        "administrator",
    ],
)
def test_what_is_guessed_first_is_refused(common: str) -> None:
    with pytest.raises(WeakPassword) as why:
        check_rules(common)
    assert why.value.reason == "common"


@pytest.mark.parametrize(
    "own", ["meera.devi@office.gov.in", "MEERA DEVI", "meeradevi2024", "Meera.Devi!!", "md-0142-md-0142", "मीरा देवी 99"]
)
def test_ones_own_name_email_or_number_is_refused(own: str) -> None:
    with pytest.raises(WeakPassword):
        check_rules(own, OWN)


def test_the_list_is_large_and_folded() -> None:
    words = [w for w in passwords.COMMON.read_text(encoding="utf-8").splitlines() if not w.startswith("#")]
    assert len(words) > 3000
    assert len(set(words)) == len(words)
    assert all(word == word.casefold().strip() for word in words)


def test_the_list_holds_three_thousand_that_the_rules_would_else_allow() -> None:
    words = [w for w in passwords.COMMON.read_text(encoding="utf-8").splitlines() if not w.startswith("#")]
    long_enough = [word for word in words if len(word) >= passwords.SHORTEST]
    assert len(long_enough) >= 3000
    for word in long_enough[::50]:
        with pytest.raises(WeakPassword):
            check_rules(word)


def test_a_hash_is_argon2id_with_the_advised_cost_and_its_own_salt() -> None:
    first, second = passwords.hash_of("mango river lamp"), passwords.hash_of("mango river lamp")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert passwords.matches(first, "mango river lamp")
    assert not passwords.matches(first, "mango river lamps")
    assert not passwords.is_outdated(first)


@pytest.mark.parametrize("kept", [None, "", "not a hash", "$argon2id$v=19$m=19456,t=2,p=1$broken"])
def test_nothing_matches_where_no_good_hash_is_kept(kept: str | None) -> None:
    assert not passwords.matches(kept, "mango river lamp")
