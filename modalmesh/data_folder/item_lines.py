"""A line of items.jsonl -> an Item with its pictures' bytes, and complaints about parts that it goes without."""

import json
from pathlib import Path
from typing import Any, Literal, NoReturn

from modalmesh.data_folder.attributes import read_attributes
from modalmesh.data_folder.media import MediaReader
from modalmesh.data_folder.values import object_value, read_time_ms, text_list, text_value
from modalmesh.errors import InvalidInput
from modalmesh.types import Item, Picture, PictureKind, Video

KNOWN_KEYS = {
    *("item_id", "title", "tagline", "description", "tags", "attributes"),
    *("images", "frames", "video", "videos"),
    *("time", "release_date", "year"),
}
"""All other keys are attributes."""

_PICTURE_LISTS: tuple[tuple[Literal["images", "frames"], PictureKind], ...] = (
    ("images", "picture"),
    ("frames", "frame"),
)


def parse_item(text: str, folder: Path) -> tuple[Item, list[InvalidInput]]:
    """The item, and what it had to go without: media that can't be read, attributes that are none.

    Raises:
        InvalidInput: the line as a whole is no good; names the field and the reason.
    """
    record = _parse(text)
    item_id = text_value(record, "item_id")
    if not item_id:
        raise InvalidInput("item_id", "is missing or empty", reason="EMPTY")
    media = MediaReader(folder)
    attributes, complaints = read_attributes(record, KNOWN_KEYS)
    item = Item(
        item_id=item_id,
        title=text_value(record, "title"),
        description=_description(record),
        tags=tuple(tag for tag in text_list(record, "tags") if tag.strip()),
        pictures=_pictures(record, media),
        videos=_videos(record, media),
        attributes=attributes,
        time_ms=read_time_ms(record),
    )
    return item, [*media.complaints, *complaints]


def _parse(text: str) -> dict[str, Any]:
    try:
        return object_value(json.loads(text, parse_constant=_refuse_constant), "line")
    except json.JSONDecodeError as error:
        raise InvalidInput(
            "line", f"is no JSON: {error.msg} at character {error.pos + 1}", reason="NOT_JSON"
        ) from error
    except ValueError as error:
        raise InvalidInput("line", f"is no JSON: {error}", reason="NOT_JSON") from error
    except RecursionError:
        raise InvalidInput("line", "is nested too deeply", reason="NOT_JSON") from None


def _refuse_constant(name: str) -> NoReturn:
    """Python's parser would take NaN and Infinity, which JSON hasn't."""
    raise ValueError(f"{name} is no JSON value")


def _description(record: dict[str, Any]) -> str:
    """A tagline is text, too: it leads the description."""
    parts = (text_value(record, "tagline"), text_value(record, "description"))
    return "\n".join(part for part in parts if part.strip())


def _pictures(record: dict[str, Any], media: MediaReader) -> tuple[Picture, ...]:
    return tuple(
        Picture(content, name, kind)
        for field, kind in _PICTURE_LISTS
        for name, content in media.read(field, text_list(record, field))
    )


def _videos(record: dict[str, Any], media: MediaReader) -> tuple[Video, ...]:
    names = text_list(record, "videos")
    single = text_value(record, "video")
    videos = media.read("videos", names)
    if single:
        videos += media.read("video", [single])
    return tuple(Video(content, name) for name, content in videos)
