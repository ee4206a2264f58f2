"""Why a mesh can't be reached, and what to do, from what gRPC says of a failed connection."""

from modalmesh.errors import Unavailable
from modalmesh.tls import Tls

# What gRPC's words of a failed handshake mean; tests hold gRPC to them.
_UNTRUSTED = (
    "unable to get local issuer certificate",
    "unable to get issuer certificate",
    "self signed certificate",
    "self-signed certificate",
    "certificate signature failure",
)
_OUT_OF_DATE = ("certificate has expired", "certificate is not yet valid")
_WRONG_NAME = ("Hostname Verification Check failed",)
_PLAINTEXT = ("WRONG_VERSION_NUMBER",)
# A server that refuses a caller says nothing of why.
_CLOSED = ("Socket closed", "Connection reset by peer", "Broken pipe", "End of TCP stream")


def why_unsafe(address: str, tls: Tls | None, said: str) -> Unavailable | None:
    """The error of a server that can't be trusted, or that speaks no TLS; none where gRPC says nothing of the kind."""
    if tls is None:
        return None
    if _any(_UNTRUSTED, said):
        trusted = tls.ca or "the public CAs"
        return _error(
            "TLS_UNTRUSTED",
            f"the certificate of the mesh at {address} is signed by nobody in {trusted}: name the file of the CA that "
            "signed it with --tls-ca (MODALMESH_TLS_CA, Tls.ca)",
        )
    if _any(_OUT_OF_DATE, said):
        return _error(
            "TLS_EXPIRED",
            f"the certificate of the mesh at {address} has expired or isn't valid yet: put a new one in place of its "
            "tls_certificate, which needs no restart, and look at both machines' clocks",
        )
    if _any(_WRONG_NAME, said):
        wanted = tls.server_name or address.rpartition(":")[0].removeprefix("dns:///")
        return _error(
            "TLS_WRONG_NAME",
            f"the certificate of the mesh at {address} isn't made for the name {wanted}: call it by a name that is in "
            "it, or say that with --tls-server-name (MODALMESH_TLS_SERVER_NAME, Tls.server_name)",
        )
    if _any(_PLAINTEXT, said):
        return _error(
            "TLS_PLAINTEXT_SERVER",
            f"what answers at {address} speaks no TLS: call it without --tls-... and MODALMESH_TLS_..., or give the "
            "mesh a certificate and key (tls_certificate, tls_key)",
        )
    return None


def why_unreached(address: str, tls: Tls | None, said: str) -> Unavailable:
    """The error where nothing has ever answered."""
    if not _any(_CLOSED, said):
        return _error(
            "CONNECTION_FAILED",
            f"no mesh answers at {address}: is one up? `modalmesh up --detach` starts one ({said})",
        )
    if tls is None:
        return _error(
            "TLS_WANTED",
            f"what is at {address} closes plaintext connections: a mesh that speaks TLS is called with --tls-ca FILE "
            f"(MODALMESH_TLS_CA, Tls.ca) ({said})",
        )
    if not tls.certificate:
        return _error(
            "TLS_CERTIFICATE_WANTED",
            f"the mesh at {address} closes the connection: it asks callers for a certificate, which is given with "
            f"--tls-certificate FILE --tls-key FILE (MODALMESH_TLS_CERTIFICATE, MODALMESH_TLS_KEY) ({said})",
        )
    return _error(
        "TLS_CERTIFICATE_REFUSED",
        f"the mesh at {address} closes the connection: it refuses the certificate {tls.certificate}, which may have "
        f"expired or be signed by none of those in its tls_ca ({said})",
    )


def _any(words: tuple[str, ...], said: str) -> bool:
    return any(each in said for each in words)


def _error(reason: str, message: str) -> Unavailable:
    return Unavailable("gateway", message, reason=reason)
