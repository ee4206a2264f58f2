"""modalmesh.types <-> messages, pure functions, for client and gateway alike."""

from typing import Any

from modalmesh import types
from modalmesh.v1 import recommender_service_pb2 as recommender
from modalmesh.v1 import types_pb2 as messages

_KIND_TO_PROTO = {
    "picture": messages.PICTURE_KIND_PICTURE,
    "frame": messages.PICTURE_KIND_FRAME,
}
_MODALITY_TO_PROTO: dict[types.Modality, messages.Modality.ValueType] = {
    "text": messages.MODALITY_TEXT,
    "image": messages.MODALITY_IMAGE,
}
_MODALITY_FROM_PROTO: dict[int, types.Modality] = {number: name for name, number in _MODALITY_TO_PROTO.items()}
_SIMILAR_TO_PROTO: dict[types.SimilarBy, recommender.SimilarBy.ValueType] = {
    "fused": recommender.SIMILAR_BY_FUSED,
    "text": recommender.SIMILAR_BY_TEXT,
    "image": recommender.SIMILAR_BY_IMAGE,
}
_SIMILAR_FROM_PROTO: dict[int, types.SimilarBy] = {number: name for name, number in _SIMILAR_TO_PROTO.items()}


def kind_to_proto(kind: types.PictureKind) -> messages.PictureKind.ValueType:
    return _KIND_TO_PROTO[kind]


def kind_from_proto(number: int) -> types.PictureKind:
    """UNSPECIFIED and kinds of a later contract are pictures."""
    return "frame" if number == messages.PICTURE_KIND_FRAME else "picture"


def modality_to_proto(modality: types.Modality) -> messages.Modality.ValueType:
    return _MODALITY_TO_PROTO[modality]


def modality_from_proto(number: int) -> types.Modality:
    return _MODALITY_FROM_PROTO[number]


def similar_by_to_proto(by: types.SimilarBy) -> recommender.SimilarBy.ValueType:
    return _SIMILAR_TO_PROTO[by]


def similar_by_from_proto(number: int) -> types.SimilarBy:
    return _SIMILAR_FROM_PROTO.get(number, "fused")


def item_to_proto(item: types.Item) -> messages.Item:
    return messages.Item(
        item_id=item.item_id,
        title=item.title,
        description=item.description,
        tags=item.tags,
        pictures=[
            messages.Picture(content=p.content, name=p.name, kind=kind_to_proto(p.kind), content_hash=p.content_hash)
            for p in item.pictures
        ],
        videos=[messages.Video(content=v.content, name=v.name, content_hash=v.content_hash) for v in item.videos],
        attributes=attributes_to_proto(item),
        time_ms=item.time_ms,
        revision=item.revision,
        pending=[modality_to_proto(modality) for modality in item.pending],
    )


def attributes_to_proto(item: types.Item) -> dict[str, messages.AttributeValues]:
    return {name: messages.AttributeValues(values=values) for name, values in item.attributes.items()}


def item_from_proto(message: messages.Item) -> types.Item:
    """A pending modality of a later contract is left out."""
    return types.Item(
        item_id=message.item_id,
        title=message.title,
        description=message.description,
        tags=tuple(message.tags),
        pictures=tuple(
            types.Picture(p.content, p.name, kind_from_proto(p.kind), p.content_hash) for p in message.pictures
        ),
        videos=tuple(types.Video(v.content, v.name, v.content_hash) for v in message.videos),
        attributes={name: tuple(values.values) for name, values in message.attributes.items()},
        time_ms=message.time_ms if message.HasField("time_ms") else None,
        revision=message.revision,
        pending=tuple(_MODALITY_FROM_PROTO[n] for n in message.pending if n in _MODALITY_FROM_PROTO),
    )


def event_to_proto(event: types.Event) -> messages.Event:
    return messages.Event(
        event_id=event.event_id,
        user_id=event.user_id,
        item_id=event.item_id,
        time_ms=event.time_ms,
        type=event.type,
        value=event.value,
    )


def event_from_proto(message: messages.Event) -> types.Event:
    return types.Event(
        user_id=message.user_id,
        item_id=message.item_id,
        time_ms=message.time_ms,
        type=message.type,
        value=message.value if message.HasField("value") else None,
        event_id=message.event_id,
    )


def explanation_to_proto(explanation: types.Explanation) -> messages.Explanation:
    return messages.Explanation(
        item_id=explanation.item_id,
        probability=explanation.probability,
        bias=explanation.bias,
        signals=[_signal_to_proto(signal) for signal in explanation.signals],
        history=[
            messages.HistoryShare(
                item_id=share.item_id,
                contribution=share.contribution,
                share=share.share,
                signals=[_signal_to_proto(signal) for signal in share.signals],
            )
            for share in explanation.history
        ],
        sentence=explanation.sentence,
        words=[messages.WordShare(**_fields(word)) for word in explanation.words],
        regions=[messages.RegionShare(**_fields(region)) for region in explanation.regions],
        words_fit=explanation.words_fit,
        regions_fit=explanation.regions_fit,
    )


def explanation_from_proto(message: messages.Explanation) -> types.Explanation:
    return types.Explanation(
        item_id=message.item_id,
        probability=message.probability,
        bias=message.bias,
        signals=tuple(_signal_from_proto(signal) for signal in message.signals),
        history=tuple(
            types.HistoryShare(
                share.item_id,
                share.contribution,
                share.share,
                tuple(_signal_from_proto(signal) for signal in share.signals),
            )
            for share in message.history
        ),
        sentence=message.sentence,
        words=tuple(
            types.WordShare(word.field, word.start, word.end, word.text, word.contribution, word.share)
            for word in message.words
        ),
        regions=tuple(
            types.RegionShare(
                region.picture,
                region.left,
                region.top,
                region.right,
                region.bottom,
                region.contribution,
                region.share,
            )
            for region in message.regions
        ),
        words_fit=message.words_fit,
        regions_fit=message.regions_fit,
    )


def _fields(share: types.WordShare | types.RegionShare) -> dict[str, Any]:
    return {name: getattr(share, name) for name in share.__dataclass_fields__}


def _signal_to_proto(signal: types.SignalShare) -> messages.SignalShare:
    return messages.SignalShare(signal=signal.signal, contribution=signal.contribution, share=signal.share)


def _signal_from_proto(message: messages.SignalShare) -> types.SignalShare:
    return types.SignalShare(message.signal, message.contribution, message.share)


def ranked_item_to_proto(item: types.RankedItem) -> recommender.RankedItem:
    return recommender.RankedItem(
        item_id=item.item_id,
        score=item.score,
        title=item.title,
        explanation=explanation_to_proto(item.explanation) if item.explanation else None,
    )


def ranked_item_from_proto(message: recommender.RankedItem) -> types.RankedItem:
    return types.RankedItem(
        message.item_id,
        message.score,
        message.title,
        explanation_from_proto(message.explanation) if message.HasField("explanation") else None,
    )


def served_to_proto(served: types.Served) -> recommender.Served:
    return recommender.Served(
        degraded=served.degraded,
        lacked=[recommender.Lack(part=lack.part, reason=lack.reason) for lack in served.lacked],
        served_by=served.served_by,
        ranker_revision=served.ranker_revision,
        index_age_ms=served.index_age_ms,
    )


def served_from_proto(message: recommender.Served) -> types.Served:
    return types.Served(
        message.served_by,
        tuple(types.Lack(lack.part, lack.reason) for lack in message.lacked),
        message.ranker_revision,
        message.index_age_ms,
    )


def refusal_to_proto(refusal: types.Refusal) -> recommender.Refusal:
    return recommender.Refusal(
        id=refusal.id,
        position=refusal.position,
        field=refusal.field,
        reason=refusal.reason,
        message=refusal.message,
    )


def refusal_from_proto(message: recommender.Refusal) -> types.Refusal:
    return types.Refusal(message.id, message.position, message.field, message.reason, message.message)


def upsert_summary_to_proto(summary: types.UpsertSummary) -> recommender.UpsertItemsResponse:
    return recommender.UpsertItemsResponse(
        created=summary.created,
        updated=summary.updated,
        unchanged=summary.unchanged,
        refused=[refusal_to_proto(refusal) for refusal in summary.refused],
        refused_count=summary.refused_count,
        encoded_texts=summary.encoded_texts,
        encoded_images=summary.encoded_images,
        cache_hits=summary.cache_hits,
        pending=summary.pending,
        truncated=summary.truncated,
    )


def upsert_summary_from_proto(message: recommender.UpsertItemsResponse) -> types.UpsertSummary:
    return types.UpsertSummary(
        created=message.created,
        updated=message.updated,
        unchanged=message.unchanged,
        refused=tuple(refusal_from_proto(refusal) for refusal in message.refused),
        refused_count=message.refused_count,
        encoded_texts=message.encoded_texts,
        encoded_images=message.encoded_images,
        cache_hits=message.cache_hits,
        pending=message.pending,
        truncated=message.truncated,
    )


_LIMITS = tuple(types.ModelLimits.__dataclass_fields__)


def model_to_proto(model: types.ModelInfo) -> messages.ModelInfo:
    return messages.ModelInfo(
        name=model.name,
        fingerprint=model.fingerprint,
        build=model.build,
        dim=model.dim,
        limits=messages.ModelLimits(**{name: getattr(model.limits, name) for name in _LIMITS}),
    )


def model_from_proto(message: messages.ModelInfo) -> types.ModelInfo:
    limits = types.ModelLimits(**{name: getattr(message.limits, name) for name in _LIMITS})
    return types.ModelInfo(message.name, message.fingerprint, message.build, message.dim, limits)


def status_to_proto(status: types.Status) -> recommender.GetStatusResponse:
    return recommender.GetStatusResponse(
        version=status.version,
        services=[
            recommender.ServiceStatus(
                name=service.name,
                address=service.address,
                serving=service.serving,
                reason=service.reason,
                model=model_to_proto(service.model) if service.model else None,
            )
            for service in status.services
        ],
        store=recommender.StoreStatus(
            reachable=status.store.reachable,
            version=status.store.version,
            durability=status.store.durability,
            durable=status.store.durable,
            used_memory_bytes=status.store.used_memory_bytes,
        ),
        namespaces=[
            recommender.NamespaceStatus(
                namespace=namespace.namespace,
                items=namespace.items,
                with_text=namespace.with_text,
                with_image=namespace.with_image,
                pending=namespace.pending,
                events=namespace.events,
                index_age_ms=namespace.index_age_ms,
                loading=namespace.loading,
            )
            for namespace in status.namespaces
        ],
        cache=recommender.CacheStatus(
            hits=status.cache.hits,
            misses=status.cache.misses,
            encoded_texts=status.cache.encoded_texts,
            encoded_images=status.cache.encoded_images,
        ),
    )


def status_from_proto(message: recommender.GetStatusResponse) -> types.Status:
    store, cache = message.store, message.cache
    return types.Status(
        version=message.version,
        services=tuple(
            types.ServiceStatus(
                service.name,
                service.address,
                service.serving,
                service.reason,
                model_from_proto(service.model) if service.HasField("model") else None,
            )
            for service in message.services
        ),
        store=types.StoreStatus(
            store.reachable, store.version, store.durability, store.durable, store.used_memory_bytes
        ),
        namespaces=tuple(
            types.NamespaceStatus(
                n.namespace, n.items, n.with_text, n.with_image, n.pending, n.events, n.index_age_ms, n.loading
            )
            for n in message.namespaces
        ),
        cache=types.CacheStatus(cache.hits, cache.misses, cache.encoded_texts, cache.encoded_images),
    )
