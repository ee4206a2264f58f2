"""Some of a data folder's items, as a data folder of their own."""

from collections.abc import Iterator
from pathlib import Path

from modalmesh.data_folder import EVENTS, ITEMS, DataFolder, Located
from modalmesh.types import Item, Picture, Video


def write_sample(source: DataFolder, limit: int, folder: Path) -> DataFolder:
    """Write about `limit` items, spread evenly over the file, with their media and the events about them to `folder`.

    What the source complains about is left out.
    """
    folder.mkdir()
    chosen = list(_spread(source, limit))
    for entry in chosen:
        media: list[Picture | Video] = [*entry.value.pictures, *entry.value.videos]
        for each in media:
            path = folder / each.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.content)
    _copy_lines(source, folder, ITEMS, {entry.line for entry in chosen})
    ids = {entry.value.item_id for entry in chosen}
    events = [entry for entry in source.located_events() if isinstance(entry, Located)]
    _copy_lines(source, folder, EVENTS, {1} | {entry.line for entry in events if entry.value.item_id in ids})
    return DataFolder(folder)


def _spread(source: DataFolder, limit: int) -> Iterator[Located[Item]]:
    count = source.count_lines(ITEMS)
    wanted = {place * count // limit for place in range(limit)} if limit < count else set(range(count))
    for position, entry in enumerate(source.located_items()):
        if position in wanted and isinstance(entry, Located):
            yield entry


def _copy_lines(source: DataFolder, folder: Path, name: str, numbers: set[int]) -> None:
    path = source.path / name
    if path.is_file():
        lines = path.read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(line for number, line in enumerate(lines, 1) if number in numbers))
