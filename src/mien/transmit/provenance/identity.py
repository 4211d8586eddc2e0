"""Who signs: the user's certificate, or one that Mien makes for itself and that nobody has a reason to trust."""

from __future__ import annotations

import datetime
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien import config
from mien.errors import InputError, MissingError, OutputError, UsageError

if TYPE_CHECKING:
    from cryptography import x509

SELF_MADE: Final = "Self-made by Mien, untrusted"
"""Common name of certificates that Mien makes, and what ``mien verify`` calls them."""
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_MOST_BYTES: Final = 1 << 20
_ISSUER_DAYS, _DAYS, _RENEWED = 3650, 730, 30


@dataclass(frozen=True)
class Identity:
    """certificates: PEM, the signer's first, then who issued it. private_key: PEM. algorithm: as C2PA names it."""

    certificates: bytes
    private_key: bytes
    algorithm: str
    self_made: bool


def identity(certificate: str, private_key: str) -> Identity:
    """Of two PEM files, or, both "", of this machine. Raises UsageError, InputError, MissingError, OutputError."""
    if bool(certificate) != bool(private_key):
        raise UsageError(
            "A certificate and its private key go together.", hint="Set both certificate and private_key of [trust]."
        )
    require()
    if not certificate:
        return _own()
    return _checked(_read(Path(certificate)), _read(Path(private_key)), self_made=False)


def require() -> None:
    """Raise MissingError where the extra is not installed."""
    try:
        import c2pa  # noqa: F401
        import cryptography  # noqa: F401
    except (ImportError, OSError) as error:
        raise MissingError(
            f"Content Credentials need packages that are not here: {error}.",
            hint="Install them with: pip install 'mien[provenance]'",
            code="missing.provenance",
        ) from None


def _read(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror or error}.", hint="Give PEM files.") from None


def _checked(certificates: bytes, private_key: bytes, *, self_made: bool) -> Identity:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    try:
        chain = x509.load_pem_x509_certificates(certificates)
        key = load_pem_private_key(private_key, None)
    except TypeError:
        raise InputError("The private key is encrypted.", hint="Give it decrypted, readable by you alone.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError("The certificate or its private key is not PEM.", hint="Convert them with openssl.") from None
    if chain[0].public_key() != key.public_key():
        raise InputError("The private key does not belong to the certificate.", hint="The signer's comes first.")
    pem = Encoding.PEM
    secret = key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption())
    return Identity(b"".join(one.public_bytes(pem) for one in chain), secret, _algorithm(key), self_made)


def _algorithm(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise InputError("C2PA does not sign with keys of this kind.", hint="Use P-256, P-384, P-521, Ed25519 or RSA.")


def _own() -> Identity:
    """This machine's own: made once, and again before it runs out. One file, so that key and certificate fit."""
    file = config.data_dir() / "provenance" / "self-made.pem"
    if not file.is_file() or _runs_out(file):
        _make(file)
    kept = _read(file)
    return _checked(kept, kept, self_made=True)


def _runs_out(file: Path) -> bool:
    from cryptography import x509

    try:
        ends = x509.load_pem_x509_certificates(_read(file))[0].not_valid_after_utc
    except (ValueError, IndexError):
        return True
    return ends - datetime.datetime.now(datetime.UTC) < datetime.timedelta(days=_RENEWED)


def _make(file: Path) -> None:
    """A certificate issued by a throw-away authority, since C2PA allows no signer that vouches for itself."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _certificate("Mien on this machine", authority, authority, "Mien on this machine", _ISSUER_DAYS)
    signer = _certificate(SELF_MADE, key, authority, "Mien on this machine", _DAYS)
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    part = file.with_name(f".{secrets.token_hex(6)}.pem")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(signer.public_bytes(encoding) + issuer.public_bytes(encoding) + secret)
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()  # it may hold the key
        raise OutputError(f"The certificate cannot be kept: {error.strerror or error}.") from None


def _certificate(name: str, key: Any, authority: Any, issuer: str, days: int) -> x509.Certificate:
    """As the C2PA specification's certificate profile wants it. Issuer and signer differ in being an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def called(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Mien"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )

    is_authority = key is authority
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    if not is_authority:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return built.sign(authority, hashes.SHA256())


def _usage(is_authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
