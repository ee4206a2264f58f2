"""The gateway's settings."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from modalmesh.positive import POSITIVE_RATING
from modalmesh.tls import Tls
from modalmesh_services.common.configuration.environment import HoldsSecret
from modalmesh_services.common.configuration.settings import ServerSettings, check_tls_file

_REDIS = ("redis://", "rediss://", "unix://")


def _redis(url: str) -> str:
    """Told here, since a server that can't be connected to for want of a URL would never come."""
    if not url.startswith(_REDIS):
        raise PydanticCustomError("redis_url", "begins with none of {known}", {"known": ", ".join(_REDIS)})
    try:
        urlsplit(url).port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        # The error itself may hold what is taken for a port: a part of a password.
        raise PydanticCustomError("redis_url", "has no host and port that can be read") from error
    return url


def _redis_or_none(url: str) -> str:
    return _redis(url) if url else url


RedisUrl = Annotated[str, HoldsSecret(), AfterValidator(_redis)]
OptionalRedisUrl = Annotated[str, HoldsSecret(), AfterValidator(_redis_or_none)]


class GatewaySettings(ServerSettings):
    """Environment variables begin with MODALMESH_, such as MODALMESH_REDIS_URL."""

    model_config = SettingsConfigDict(env_prefix="MODALMESH_")

    port: int = Field(50050, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", description="where items, histories and events are kept")
    cache_url: OptionalRedisUrl = Field("", description="a Redis of its own for cached embeddings; empty: redis_url's")
    text_encoder: str = Field("127.0.0.1:50051", description="address of the text-encoder")
    image_encoder: str = Field("127.0.0.1:50052", description="address of the image-encoder")
    fusion_ranker: str = Field("127.0.0.1:50053", description="address of the fusion-ranker")
    partitions: int = Field(16, ge=1, le=1024, description="partitions of a new namespace")
    cache_ttl_days: float = Field(90.0, gt=0, description="how long an unused embedding stays cached")
    history_window: int = Field(500, ge=1, le=10_000, description="recent events a user that the ranker receives")
    log_length: int = Field(100_000, ge=1_000, description="entries that a change stream or event log keeps")
    positive_rating: float = Field(POSITIVE_RATING, description="a rating of this and more is positive")
    retrieve: int = Field(500, ge=10, le=5_000, description="candidates that are retrieved for a ranking")
    call_seconds: float = Field(30.0, gt=0, description="deadline of a call whose caller set none")
    part_seconds: float = Field(2.0, gt=0, description="longest wait for another service while a reader waits")
    encode_seconds: float = Field(300.0, gt=0, description="longest wait for one batch of an encoder during ingest")
    redis_seconds: float = Field(1.0, gt=0, description="longest wait for one answer of Redis")
    chunks_in_flight: int = Field(4, ge=1, le=64, description="chunks of one UpsertItems call worked on at once")
    completion_seconds: float = Field(2.0, gt=0, description="pause between looks for pending items")
    services_tls_certificate: str = Field(
        "", description="PEM file of the certificate that services are shown; empty: tls_certificate"
    )
    services_tls_key: str = Field("", description="PEM file of that certificate's key; empty: tls_key")
    services_tls_ca: str = Field(
        "",
        description="PEM file of the CA that must have signed services' certificates; empty: tls_ca, and where that is "
        "empty too, services are called in plaintext",
    )

    @property
    def services_tls(self) -> Tls | None:
        """The files by which services are called; none where that is in plaintext."""
        own = Tls(self.services_tls_ca, self.services_tls_certificate, self.services_tls_key)
        found = own.over(Tls(self.tls_ca, self.tls_certificate, self.tls_key))
        # Services can be trusted by a CA alone: a gateway that has none speaks TLS with its callers only.
        return found if found.ca else None

    @property
    def shown_metrics_tls(self) -> Tls | None:
        """As services show theirs: Prometheus is the mesh's, and needs to know no CA of callers."""
        is_own = self.metrics_tls and self.services_tls_certificate
        return self.services_tls if is_own else super().shown_metrics_tls

    @field_validator("services_tls_certificate", "services_tls_key", "services_tls_ca")
    @classmethod
    def _check_services_tls(cls, file: str, info: ValidationInfo) -> str:
        check_tls_file(file, info, prefix="services_")
        trusts = file or info.data.get("tls_ca", "unknown")
        if info.field_name == "services_tls_ca" and not trusts and info.data.get("services_tls_certificate"):
            raise PydanticCustomError("tls", "is needed with services_tls_certificate, or tls_ca in its place")
        return file
