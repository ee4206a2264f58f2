"""Tensors by name in groups, as one file holds them, and an optimizer's among them."""

from collections.abc import Mapping

import torch
from torch import Tensor


def joined(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """By `group/name`."""
    return {f"{group}/{name}": tensor for group, own in groups.items() for name, tensor in own.items()}


def group_of(tensors: Mapping[str, Tensor], group: str) -> dict[str, Tensor]:
    """By name, as they were joined."""
    start = f"{group}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What it remembers of each parameter, by the parameter's number and a name; all of AdamW's are tensors."""
    state: Mapping[int, Mapping[str, Tensor]] = optimizer.state_dict()["state"]
    return joined({str(number): own for number, own in state.items()})


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """The inverse; rates and the like stay the optimizer's own."""
    numbers = dict.fromkeys(name.partition("/")[0] for name in tensors)
    state = {int(number): group_of(tensors, number) for number in numbers}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
