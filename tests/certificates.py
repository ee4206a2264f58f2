"""A CA of a test's own, and files as an operator has them. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme

from modalmesh.tls import Tls

LOCAL = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Authority:
    """Signs certificates and writes them into a folder."""

    folder: Path
    ca: trustme.CA

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        folder.mkdir(parents=True, exist_ok=True)
        authority = cls(folder, trustme.CA())
        authority.ca.cert_pem.write_to_path(folder / "ca.pem")
        return authority

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def issue(self, name: str, *hosts: str, expired: bool = False, ca: bool = True) -> Tls:
        """Files of a new certificate, `name`.pem and `name`.key, which replace those of that name."""
        start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
        issued = self.ca.issue_cert(*(hosts or LOCAL), not_before=start, not_after=end if expired else None)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        _replace(certificate, b"".join(each.bytes() for each in issued.cert_chain_pems))
        _replace(key, issued.private_key_pem.bytes())
        return Tls(self.ca_file if ca else "", str(certificate), str(key))


def _replace(path: Path, content: bytes) -> None:
    """At once, as cert-manager's volumes do."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
