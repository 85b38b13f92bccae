"""Signs certificates and checks signed ones: Ed25519 in the compact form of JWS, so that anybody can verify them.

Formats: RFC 7515 (JWS), RFC 7517 (JWK), RFC 8037 (Ed25519 in JOSE), RFC 7638 (a key's id is its thumbprint).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from elearn.domain.certificate import CERTIFICATE_TYPE, CertificateRecord, NotACertificate, record_from_bytes

# RFC 9864 has a newer name, "Ed25519"; verifiers in use reject it, so the one they all know stays.
ALGORITHM = "EdDSA"
TOKEN_TYPE = "elearn-certificate+jws"  # noqa: S105  a media type, not a password
CHECKPOINT_TYPE = "elearn-checkpoint+jws"
_HEADER_MEMBERS = {"alg", "kid", "typ"}
_KEY_MEMBERS = {"kty", "crv", "x", "d", "kid", "use", "alg"}


class BadSignature(Exception):
    """This token was not signed by us, or not as it stands now.

    `reason`: `malformed`, `base64`, `header`, `algorithm`, `type`, `unknown-key` or `signature`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Altered(Exception):
    """This document does not say what was signed.

    `reason`: one of BadSignature's, or `document` (not our format), `certificate` (signed, but not a certificate of
    version 1) or `record` (the readable part differs from the signed one).
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class BadKeys(ValueError):
    """The key set cannot be used: unreadable, empty, not Ed25519, or inconsistent."""


class NoSigningKey(BadKeys):
    """Every key of this set is public: it can verify, but not sign."""


class _OnlyEdDSA(JWSRegistry):
    """Allows one algorithm, whatever a token asks for.

    joserfc warns of EdDSA's newer name at each use. A registry of our own stays silent without touching the warning
    filters, which all threads of a server share.
    """

    def get_alg(self, name: str) -> Any:  # joserfc keeps the name of this type to itself
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[ALGORITHM]


_REGISTRY = _OnlyEdDSA()


def new_key_set() -> KeySet:
    """A key set with one fresh private key."""
    return KeySet([_new_key()])


def with_new_key(keys: KeySet) -> KeySet:
    """The same set with a fresh private key at its end: it signs from now on, the earlier ones still verify."""
    return KeySet([*keys.keys, _new_key()])


def merged(ours: KeySet, others: KeySet, others_sign: bool) -> KeySet:
    """The keys of both sets, each once; those of `others` stand last where they are to sign, and first where not."""
    known = {key.kid: key for key in (*others.keys, *ours.keys)}
    known |= {key.kid: key for key in (*others.keys, *ours.keys) if key.is_private}
    older, newer = (ours, others) if others_sign else (others, ours)
    last = [key.kid for key in newer.keys]
    first = [key.kid for key in older.keys if key.kid not in last]
    return KeySet([known[kid] for kid in (*first, *last)])


def signing_key(keys: KeySet) -> OKPKey:
    """The newest key that has a private part; keys stand in the set in the order of their age. Raises NoSigningKey."""
    for key in reversed(keys.keys):
        if isinstance(key, OKPKey) and key.is_private:
            return key
    raise NoSigningKey("No key of this set has a private part.")


def public_key_set(keys: KeySet) -> dict[str, list[dict[str, str]]]:
    """The set as `/.well-known/jwks.json` shows it: only the members named here, so never a private one."""
    return {"keys": [_public_members(key) for key in keys.keys]}


def write_key_set(path: Path, keys: KeySet) -> None:
    """Writes the set with its private parts, readable by the owner only: wholly, or not at all."""
    members = [{**_public_members(key), **_private_members(key)} for key in keys.keys]
    text = json.dumps({"keys": members}, indent=2) + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # The mode is given at creation, so there is no moment at which others could read the file.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise
    _sync_folder(path.parent)


def load_key_set(path: Path) -> KeySet:
    """The key set of a file. Raises BadKeys with what is wrong with it, OSError if it cannot be opened."""
    return read_key_set(path.read_bytes())


def read_key_set(data: bytes) -> KeySet:
    """The key set of these bytes: a JWK set of Ed25519 keys, each with a `kid`, private or public. Raises BadKeys."""
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError) as error:
        raise BadKeys("The key set is not JSON.") from error
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or not members:
        raise BadKeys("A key set is a JSON object with a list of keys.")
    keys = [_key(member) for member in members]
    if len({key.kid for key in keys}) != len(keys):
        raise BadKeys("Two keys have the same kid.")
    return KeySet([*keys])


def sign(payload: bytes, key: OKPKey, token_type: str = TOKEN_TYPE) -> str:
    """The payload as a compact JWS: header, payload and signature in base64url, joined by dots."""
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": token_type}
    return jws.serialize_compact(header, payload, key, registry=_REGISTRY)


def verify(token: str, public_keys: KeySet, token_type: str = TOKEN_TYPE) -> bytes:
    """The payload of a token that one of these keys signed; raises BadSignature.

    Nothing in the token chooses how it is judged: the algorithm is ours, the key is looked up among ours by its id,
    and a header with anything more than alg, kid and typ (a key of its own, an address of one) is refused.
    """
    segments = token.split(".")
    if len(segments) != 3:
        raise BadSignature("malformed", "A signed certificate has three parts.")
    header_bytes, payload, _ = (_decoded(segment) for segment in segments)
    key = _key_named_by(_header(header_bytes, token_type), public_keys)
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise BadSignature("signature", "The signature does not belong to this content.") from error
    return payload


def signed_document(token: str) -> dict[str, Any]:
    """What is served as the certificate's `.json`: the record to read, and the token that proves it.

    Takes a token of our own making; nothing is verified here.
    """
    payload = _decoded(token.split(".")[1])
    return {"format": CERTIFICATE_TYPE, "record": json.loads(payload), "jws": token}


def read_document(data: bytes, public_keys: KeySet) -> CertificateRecord:
    """The record of a `.json` document whose signature holds and whose readable part is what was signed.

    Spaces between the members may differ, since editors and mail programs change them; nothing else. Raises Altered.
    """
    document = _document(data)
    try:
        payload = verify(document["jws"], public_keys)
        record = record_from_bytes(payload)
    except BadSignature as error:
        raise Altered(error.reason, str(error)) from error
    except NotACertificate as error:
        raise Altered("certificate", str(error)) from error
    # Both hold only objects, lists and text, so equal means equal: no 1 that equals true or 1.0.
    if document["record"] != json.loads(payload):
        raise Altered("record", "The readable part of the document differs from the signed one.")
    return record


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError) as error:
        raise Altered("document", "The document is not JSON.") from error
    if not isinstance(document, dict) or set(document) != {"format", "record", "jws"}:
        raise Altered("document", "The document has a format, a record and a jws, nothing else.")
    if document["format"] != CERTIFICATE_TYPE or not isinstance(document["jws"], str):
        raise Altered("document", "The document is not a signed certificate of version 1.")
    return document


def _decoded(segment: str) -> bytes:
    """Refuses spellings that decode to the same bytes: the last character of base64 has bits that nobody reads."""
    try:
        data = urlsafe_b64decode(segment.encode("ascii") + b"=" * (-len(segment) % 4))
    except ValueError as error:
        raise BadSignature("base64", "A part of the token is not base64url.") from error
    # Python's decoder skips characters it does not know; encoding again shows any that were there.
    if _encoded(data) != segment:
        raise BadSignature("base64", "A part of the token is not in the one form of base64url.")
    return data


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _header(data: bytes, token_type: str) -> dict[str, str]:
    try:
        header = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError) as error:
        raise BadSignature("header", "The header of the token is not JSON.") from error
    if not isinstance(header, dict) or set(header) != _HEADER_MEMBERS:
        raise BadSignature("header", "The header of the token has alg, kid and typ, nothing else.")
    if header["alg"] != ALGORITHM:
        raise BadSignature("algorithm", "The token is not signed with EdDSA.")
    if header["typ"] != token_type:
        raise BadSignature("type", "The token is signed for another purpose.")
    return header


def _key_named_by(header: dict[str, str], public_keys: KeySet) -> OKPKey:
    for key in public_keys.keys:
        if isinstance(key, OKPKey) and key.kid == header["kid"]:
            return key
    raise BadSignature("unknown-key", "The token is signed with a key that is not ours.")


def _new_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", auto_kid=True)


def _key(members: object) -> OKPKey:
    if not isinstance(members, dict) or not all(isinstance(value, str) for value in members.values()):
        raise BadKeys("A key is a JSON object of texts.")
    if not {"kty", "crv", "x", "kid"} <= set(members) <= _KEY_MEMBERS:
        raise BadKeys(f"A key has kty, crv, x, kid and at most {', '.join(sorted(_KEY_MEMBERS))}.")
    if (members["kty"], members["crv"]) != ("OKP", "Ed25519"):
        raise BadKeys("A key of this set is not an Ed25519 key.")
    if members.get("use", "sig") != "sig" or members.get("alg", ALGORITHM) != ALGORITHM:
        raise BadKeys("A key of this set is meant for another use than signing with EdDSA.")
    try:
        key = OKPKey.import_key({**members})
    except (JoseError, ValueError) as error:
        raise BadKeys("A key of this set cannot be read.") from error
    # A wrong public half would be published, and no certificate signed with the private one would ever verify.
    if key.is_private and _encoded(key.public_key.public_bytes_raw()) != members["x"]:
        raise BadKeys("The public and the private half of a key do not belong together.")
    return key


def _public_members(key: Any) -> dict[str, str]:
    members = key.as_dict(private=False)
    return {
        "kty": members["kty"],
        "crv": members["crv"],
        "x": members["x"],
        "kid": members["kid"],
        "use": "sig",
        "alg": ALGORITHM,
    }


def _private_members(key: Any) -> dict[str, str]:
    return {"d": key.as_dict(private=True)["d"]} if key.is_private else {}


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ on which of two equal members they believe, so a document with two is refused."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("A member occurs twice.")
    return members


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut: a file's name is kept by its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
