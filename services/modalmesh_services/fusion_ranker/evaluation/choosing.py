"""What was asked for by name -> what is measured."""

from collections.abc import Sequence
from pathlib import Path

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.evaluation.baselines import BASELINES
from modalmesh_services.fusion_ranker.evaluation.plans import Measurable, Plan, Renamed, every
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.job.choosing import choose
from modalmesh_services.fusion_ranker.systems import DEFAULT, SYSTEMS, kind_of


def chosen_plan(systems: Sequence[str], protocols: Sequence[str], with_named: bool = False) -> Plan:
    """Without systems the default and the baselines, without protocols all of them.

    Raises:
        InvalidInput: there is no such protocol or system, or a setting of one is wrong.
        NotFound: there is no such file.
    """
    for name in protocols:
        if name not in PROTOCOLS:
            raise InvalidInput("protocol", f"is {name!r}; there are {', '.join(PROTOCOLS)}", reason="UNKNOWN_PROTOCOL")
    wanted = [_system(name) for name in systems] if systems else [kind_of(DEFAULT).system(DEFAULT), *BASELINES.values()]
    named = [kind_of(name).system(name) for name in SYSTEMS if name != DEFAULT] if with_named else []
    return every(wanted, protocols or tuple(PROTOCOLS), named)


def _system(name: str) -> Measurable:
    if name in BASELINES:
        return BASELINES[name]
    if name in SYSTEMS:
        return kind_of(name).system(name)
    if not name.endswith(".toml"):
        message = f"is {name!r}; there are {', '.join((*SYSTEMS, *BASELINES))}"
        raise InvalidInput("system", message, reason="UNKNOWN_SYSTEM")
    # By the file's name: it may stand beside the system that it changes.
    return Renamed(Path(name).stem, choose(name, {}).system)
