"""A signed certificate verifies for anybody who has the public keys, and nothing that differs from it does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import stat
import warnings
from datetime import UTC, date, datetime

import pytest
from joserfc.jwk import OKPKey
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from elearn.domain.certificate import CertificateRecord, canonical_bytes, record_from_bytes
from elearn.exports.certificate_token import (
    Altered,
    BadKeys,
    BadSignature,
    NoSigningKey,
    load_key_set,
    new_key_set,
    public_key_set,
    read_document,
    read_key_set,
    sign,
    signed_document,
    signing_key,
    verify,
    with_new_key,
    write_key_set,
)

MEERA = CertificateRecord(
    serial="0710G40R2GA1G7283CHG8M2SDX",
    name="मीरा देवी शर्मा",
    name_language="hi",
    other_names=(("en", "Meera Devi Sharma"),),
    course="ai-for-good-governance",
    course_title={"en": "AI for Good Governance", "hi": "सुशासन के लिए एआई"},
    course_version="5f2c" * 16,
    issuer="Model District Collectorate",
    issued_on=date(2026, 11, 23),
    completed_at=datetime(2026, 11, 23, 9, 5, 7, tzinfo=UTC),
    evidence="checked",
    chain_head="0123456789abcdef" * 4,
)
KEYS = new_key_set()
PUBLIC = read_key_set(json.dumps(public_key_set(KEYS)).encode())
TOKEN = sign(canonical_bytes(MEERA), signing_key(KEYS))
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forged(header: dict[str, object], payload: bytes = b"{}", key: OKPKey | None = None) -> str:
    """A token with this header, correctly signed by hand with a key (ours unless told otherwise)."""
    key = key or signing_key(KEYS)
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    return f"{signed}.{encoded(key.private_key.sign(signed.encode()))}"


def reason_of_refusal(token: str) -> str:
    with pytest.raises(BadSignature) as refusal:
        verify(token, PUBLIC)
    return refusal.value.reason


def test_what_was_signed_comes_back():
    assert record_from_bytes(verify(TOKEN, PUBLIC)) == MEERA
    assert verify(TOKEN, KEYS) == canonical_bytes(MEERA)


def test_the_header_says_how_and_with_which_key():
    assert json.loads(decoded(TOKEN.split(".")[0])) == {
        "alg": "EdDSA",
        "kid": signing_key(KEYS).kid,
        "typ": "elearn-certificate+jws",
    }


def test_a_verifier_that_is_not_ours_agrees():
    """As a stranger would: libsodium, the token, the published keys, and RFC 7515 section 5.2 by hand."""
    published = json.loads(json.dumps(public_key_set(KEYS)))
    header, payload, signature = TOKEN.split(".")
    kid = json.loads(decoded(header))["kid"]
    (key,) = (key for key in published["keys"] if key["kid"] == kid)
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    verifier = VerifyKey(decoded(key["x"]))
    assert verifier.verify(f"{header}.{payload}".encode(), decoded(signature))
    assert json.loads(decoded(payload))["name"] == "मीरा देवी शर्मा"
    with pytest.raises(BadSignatureError):
        verifier.verify(f"{header}.{payload[:-1]}".encode(), decoded(signature))


def test_signing_and_verifying_warn_of_nothing_and_leave_the_warning_filters_alone():
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        verify(sign(b"{}", signing_key(KEYS)), PUBLIC)
    assert told == []
    assert warnings.filters == before


def test_no_character_of_a_token_can_be_changed():
    chance = random.Random(7)
    for place, sign_there in enumerate(TOKEN):
        others = [sign for sign in BASE64URL + ".=+/ é" if sign != sign_there]
        # The last characters are the ones with bits that a careless decoder ignores, so they are tried with all.
        ends_a_part = place + 1 == len(TOKEN) or TOKEN[place + 1] == "."
        for sign_tried in others if ends_a_part else chance.sample(others, 3):
            reason_of_refusal(TOKEN[:place] + sign_tried + TOKEN[place + 1 :])


def test_no_character_of_a_token_can_be_dropped_or_added():
    for place in range(len(TOKEN)):
        reason_of_refusal(TOKEN[:place] + TOKEN[place + 1 :])
        reason_of_refusal(TOKEN[:place] + "A" + TOKEN[place:])
    for ending in ("=", "\n", " ", ".", "A", "AA"):
        reason_of_refusal(TOKEN + ending)


def test_a_last_character_with_the_same_bits_does_not_verify():
    # 64 bytes take 86 characters; of the last one's six bits only two belong to the signature.
    last = BASE64URL.index(TOKEN[-1])
    twin = BASE64URL[last + 1]
    assert decoded(TOKEN.rsplit(".", 1)[1]) == decoded(TOKEN.rsplit(".", 1)[1][:-1] + twin)
    assert reason_of_refusal(TOKEN[:-1] + twin) == "base64"


def test_the_reasons_of_refusal():
    ours = {"alg": "EdDSA", "kid": signing_key(KEYS).kid, "typ": "elearn-certificate+jws"}
    assert verify(forged(ours, b"hello"), PUBLIC) == b"hello"
    stranger = OKPKey.generate_key("Ed25519", auto_kid=True)
    public_stranger = stranger.as_dict(private=False)
    header, payload, signature = TOKEN.split(".")
    refused = [
        ("malformed", "", "a.b", "a.b.c.d"),
        (
            "base64",
            f"{header}.{payload}=.{signature}",
            f"{header}.{payload}.é",
            f"{header}.{payload}.{signature[:-1]}+",
        ),
        ("header", f".{payload}.{signature}", f"{encoded(b'[]')}.{payload}.{signature}"),
        ("header", f"{encoded(b'{' * 9)}.{payload}.{signature}", f"{encoded(b'[' * 100_000)}.{payload}.{signature}"),
        ("header", f"{encoded(json.dumps(ours)[:-1].encode() + b',' + json.dumps(ours)[1:].encode())}.{payload}.AA"),
        ("header", forged({"alg": "EdDSA", "kid": ours["kid"]})),
        ("header", forged({**ours, "jwk": public_stranger}, key=stranger)),
        ("header", forged({**ours, "jku": "https://stranger.example/jwks.json"}, key=stranger)),
        ("header", forged({**ours, "x5u": "https://stranger.example/chain.pem"})),
        ("header", forged({**ours, "crit": ["b64"], "b64": False})),
        ("algorithm", forged({**ours, "alg": "none"}), forged({**ours, "alg": "HS256"})),
        ("algorithm", forged({**ours, "alg": "Ed25519"}), forged({**ours, "alg": ["EdDSA"]})),
        ("type", forged({**ours, "typ": "JWT"})),
        ("unknown-key", forged({**ours, "kid": stranger.kid}, key=stranger), forged({**ours, "kid": None})),
        ("signature", forged(ours, key=stranger), f"{header}.{encoded(b'other')}.{signature}", f"{header}.{payload}."),
        ("signature", f"{header}.{payload}.{encoded(bytes(64))}"),
    ]
    for reason, *tokens in refused:
        for token in tokens:
            assert reason_of_refusal(token) == reason, token[:200]


def test_a_signature_made_with_the_public_key_as_a_secret_does_not_verify():
    header = encoded(
        json.dumps({"alg": "HS256", "kid": signing_key(KEYS).kid, "typ": "elearn-certificate+jws"}).encode()
    )
    signed = f"{header}.{encoded(canonical_bytes(MEERA))}"
    secret = decoded(public_key_set(KEYS)["keys"][0]["x"])
    token = f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
    assert reason_of_refusal(token) == "algorithm"


def test_a_new_key_signs_and_the_old_one_still_verifies():
    rotated = with_new_key(KEYS)
    assert signing_key(rotated).kid != signing_key(KEYS).kid
    assert verify(TOKEN, rotated) == canonical_bytes(MEERA)
    fresh = sign(b"{}", signing_key(rotated))
    assert verify(fresh, rotated) == b"{}"
    assert reason_of_refusal(fresh) == "unknown-key"


def test_the_newest_key_with_a_private_part_signs():
    rotated = with_new_key(KEYS)
    first, second = public_key_set(rotated)["keys"]
    secret = signing_key(KEYS).as_dict(private=True)["d"]
    retired = read_key_set(json.dumps({"keys": [{**first, "d": secret}, second]}).encode())
    assert signing_key(retired).kid == first["kid"]
    with pytest.raises(NoSigningKey):
        signing_key(PUBLIC)


def test_the_published_keys_are_public_only():
    published = public_key_set(with_new_key(KEYS))
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}] * 2
    assert signing_key(KEYS).as_dict(private=True)["d"] not in json.dumps(published)


def test_a_key_file_comes_back_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "signing-keys.json"
    path.write_text("the keys before")
    path.chmod(0o644)
    write_key_set(path, with_new_key(KEYS))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["signing-keys.json"]
    loaded = load_key_set(path)
    assert verify(TOKEN, loaded) == canonical_bytes(MEERA)
    assert verify(sign(b"{}", signing_key(loaded)), loaded) == b"{}"
    write_key_set(path, PUBLIC)
    assert public_key_set(load_key_set(path)) == public_key_set(KEYS)


def test_a_key_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "signing-keys.json"
    path.mkdir()
    with pytest.raises(OSError, match="signing-keys"):
        write_key_set(path, KEYS)
    assert [file.name for file in tmp_path.iterdir()] == ["signing-keys.json"]


def test_a_key_set_with_a_fault_is_refused():
    key = public_key_set(KEYS)["keys"][0]
    other = public_key_set(new_key_set())["keys"][0]
    secret = signing_key(KEYS).as_dict(private=True)["d"]
    for keys in (
        [],
        [key, key],
        ["key"],
        [{**key, "kid": 7}],
        [{name: value for name, value in key.items() if name != "kid"}],
        [{**key, "crv": "Ed448"}],
        [{**key, "crv": "X25519"}],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}],
        [{**key, "use": "enc"}],
        [{**key, "alg": "Ed25519"}],
        [{**key, "x": key["x"][:-2]}],
        [{**key, "x": "!"}],
        [{**key, "password": "x"}],
        [{**other, "d": secret}],
    ):
        with pytest.raises(BadKeys):
            read_key_set(json.dumps({"keys": keys}).encode())
    for data in (b"", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"keys": [], "keys": [1]}'):
        with pytest.raises(BadKeys):
            read_key_set(data)


DOCUMENT = json.dumps(signed_document(TOKEN), ensure_ascii=False, indent=1)


def reason_altered(text: str) -> str:
    with pytest.raises(Altered) as refusal:
        read_document(text.encode(), PUBLIC)
    return refusal.value.reason


def test_a_document_shows_what_its_token_proves():
    document = signed_document(TOKEN)
    assert document["format"] == "elearn-certificate/1"
    assert document["jws"] == TOKEN
    assert document["record"]["name"] == "मीरा देवी शर्मा"
    assert document["record"] == json.loads(canonical_bytes(MEERA))


def test_a_document_is_read_back_however_it_was_laid_out():
    document = signed_document(TOKEN)
    for text in (DOCUMENT, json.dumps(document), json.dumps(document, indent=4, sort_keys=True) + "\n"):
        assert read_document(text.encode(), PUBLIC) == MEERA


def test_no_character_of_a_document_can_be_changed():
    """Every position; what lies between the members (spaces, line ends) carries no meaning and may differ."""
    chance = random.Random(7)
    tried = 0
    in_text = False
    for place, sign_there in enumerate(DOCUMENT):
        in_text = in_text != (sign_there == '"')
        if sign_there.isspace() and not in_text:
            continue
        others = [sign for sign in 'aZ09-_.:,"{}[] \\कি1' if sign != sign_there]
        for sign_tried in chance.sample(others, 2):
            reason_altered(DOCUMENT[:place] + sign_tried + DOCUMENT[place + 1 :])
            tried += 1
    assert tried > 2 * len(TOKEN)


def test_the_reasons_why_a_document_is_altered():
    document = signed_document(TOKEN)
    record = document["record"]
    assert reason_altered(json.dumps({**document, "record": {**record, "name": "Far"}})) == "record"
    assert reason_altered(json.dumps({**document, "record": {**record, "score": "100"}})) == "record"
    assert reason_altered(json.dumps({**document, "record": None})) == "record"
    assert reason_altered(json.dumps({**document, "jws": TOKEN[:-4] + "AAAA"})) in ("signature", "base64")
    stranger = new_key_set()
    strange = signed_document(sign(canonical_bytes(MEERA), signing_key(stranger)))
    assert reason_altered(json.dumps(strange)) == "unknown-key"
    assert reason_altered(json.dumps(signed_document(sign(b"{}", signing_key(KEYS))))) == "certificate"
    for text in ("", "[]", "{}", "[" * 100_000, json.dumps({**document, "note": ""}), DOCUMENT[:-1]):
        assert reason_altered(text) == "document"
    assert reason_altered(json.dumps({**document, "jws": None})) == "document"
    assert reason_altered(json.dumps({**document, "format": "elearn-certificate/2"})) == "document"
    doubled = json.dumps(document)[:-1] + ', "record": ' + json.dumps({**record, "name": "Far"}) + "}"
    assert reason_altered(doubled) == "document"
    with pytest.raises(Altered):
        read_document(b"\xff", PUBLIC)
