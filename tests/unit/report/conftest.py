from io import BytesIO

import pytest
from PIL import Image

from modalmesh.local.report import (
    Card,
    Figure,
    Likeness,
    Lived,
    Person,
    Recommended,
    ReportData,
    Taste,
)
from modalmesh.types import SignalShare


def picture(width: int = 300, height: int = 300, colour: str = "#c65a3a", kind: str = "PNG") -> bytes:
    target = BytesIO()
    Image.new("RGB", (width, height), colour).save(target, format=kind)
    return target.getvalue()


@pytest.fixture
def mug() -> Card:
    return Card("mug-01", "Summit Mug", "For tea at the top.", picture())


@pytest.fixture
def data(mug: Card) -> ReportData:
    """A report with one of everything."""
    signals = (SignalShare("text", 0.4, 0.2), SignalShare("image", 1.4, 0.7), SignalShare("popularity", -0.2, 0.1))
    lamp = Card("lamp-02", "Inkwell Table Lamp", "For long letters.", has_clip=True)
    recommended = Recommended(lamp, 0.91, "Close to “Summit Mug”, by how it looks (70 %).", signals, (mug,))
    ada = Person("ada", (Lived(mug, 5.0),), 1, 3, (recommended,), signals, "Buys by eye.", 1, ("text-encoder",))
    return ReportData(
        source="the shop",
        is_shop=True,
        items=1345,
        users=60,
        events=1170,
        people=(ada,),
        likenesses=(Likeness(mug, (lamp,), (mug,)),),
        tastes=(Taste("the picture only", "image", 24, 0.97, 0.11),),
        timings=(Figure("ingest", "14.2 s", "of everything"),),
        cache=(Figure("texts encoded", "912"),),
        missing=(Figure("items without picture", "22"),),
        models=(Figure("text", "MiniLM", "384 numbers"),),
        complaints=("items.jsonl, line 3, title: is too long",),
        complaint_count=7,
    )
