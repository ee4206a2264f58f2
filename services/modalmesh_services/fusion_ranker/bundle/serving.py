"""A bundle's ranker."""

import logging
from pathlib import Path

from modalmesh.errors import InvalidInput
from modalmesh_services.common.backends.device import CPU, Device
from modalmesh_services.fusion_ranker.bundle.failures import NOT_WHOLE
from modalmesh_services.fusion_ranker.bundle.reading import read_bundle
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.probing import probe
from modalmesh_services.fusion_ranker.systems import kind_of

logger = logging.getLogger(__name__)


def load_bundle(folder: Path, device: Device = CPU) -> RankerModel:
    """The ranker on a device, after it has ranked once.

    Raises:
        NotFound: there is no such bundle.
        InvalidInput: it can't be used; says which file of it, and why.
    """
    bundle = read_bundle(folder)
    try:
        model = kind_of(bundle.learned.system).ranker(bundle.parts, bundle.made_for, device)
        model.rank(probe(model.description))
    except (ValueError, KeyError) as error:
        why = f"{bundle.learned.system} can't rank with its parts ({type(error).__name__}: {error})"
        raise InvalidInput(f"bundle {folder}", why, reason=NOT_WHOLE) from error
    build = model.description.build
    logger.info("loaded %s of revision %s from %s: %s", bundle.learned.system, bundle.revision, folder, build)
    return model
