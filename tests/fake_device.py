"""A GPU's rules without a GPU: torch takes the device for an accelerator, and it computes on the CPU.

It is torch's own device for backends that are written in Python, under the name `fake`. Its numbers are the CPU's to
the last bit. A tensor of it can't meet one of the CPU, not even as an index, which CUDA would copy in secret; numpy
can't see it; and it has as much memory as a test gives it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from modalmesh_services.common.backends.device import Device

NAME = "fake"
_COPY = torch.ops.aten.copy_.default
_OF_NUMBERS = frozenset(f"aten::{name}" for name in ("nonzero", "is_nonzero", "item", "_local_scalar_dense"))
_BY_MASKS = frozenset(f"aten::{name}" for name in ("index.Tensor", "index_put_", "index_put", "_index_put_impl_"))


@dataclass(slots=True)
class FakeDevice:
    """`sent` are tensors that came from the CPU, whether out of page-locked memory; `waits` counts for what a GPU would
    be waited for: tensors that went back, and shapes that only numbers tell. No tensor is larger than `most_bytes`.
    """

    sent: list[bool] = field(default_factory=list)
    waits: int = 0
    most_bytes: float = float("inf")


_device = FakeDevice()
_pinned: set[int] = set()


class _OnDevice(Tensor):
    """Its numbers are in `numbers`, a tensor of the CPU."""

    numbers: Tensor
    __torch_function__: Any = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls: Any, numbers: Tensor) -> "_OnDevice":
        if numbers.numel() * numbers.element_size() > _device.most_bytes:
            raise torch.OutOfMemoryError(f"{NAME} out of memory")
        # A part of a parameter is no tensor of inference mode, even where it is taken there.
        with torch.inference_mode(numbers.is_inference()):
            made: _OnDevice = Tensor._make_wrapper_subclass(
                cls,
                numbers.shape,
                strides=numbers.stride(),
                storage_offset=numbers.storage_offset(),
                dtype=numbers.dtype,
                device=torch.device(NAME, 0),
            )
        made.numbers = numbers
        return made

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override] # the stubs leave the operation out
        cls, operation: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given, _ = tree_flatten((args, kwargs or {}))
        ours = [each for each in given if isinstance(each, _OnDevice)]
        others = [each for each in given if isinstance(each, Tensor) and not isinstance(each, _OnDevice)]
        wanted = [each.type for each in given if isinstance(each, torch.device)]
        if operation is _COPY:
            _note_copy(*given[:2])
        elif any(each.dim() for each in others):
            raise RuntimeError(f"{operation}: tensors of {NAME}:0 and of cpu meet")
        _device.waits += operation.name() in _OF_NUMBERS or (
            operation.name() in _BY_MASKS and any(getattr(each, "dtype", None) == torch.bool for each in args[1])
        )
        found = operation(*tree_map(_inside, args), **tree_map(_inside, kwargs or {}))
        if any(each.shape != each.numbers.shape for each in ours):
            raise NotImplementedError(f"{operation} lets a tensor of {NAME}:0 grow")
        if wanted and wanted[0] == "cpu":
            _device.waits += 1
            return tree_map(lambda each: each.clone() if isinstance(each, Tensor) else each, found)
        # What an operation changed in place it gives back as it came.
        known = {id(each.numbers): each for each in ours} | {id(each): each for each in others}

        def outside(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return known[id(value)] if id(value) in known else _OnDevice(value)

        return tree_map(outside, found)


def _note_copy(to: Tensor, of: Tensor) -> None:
    if not isinstance(of, _OnDevice):
        _device.sent.append(id(of) in _pinned)
    elif not isinstance(to, _OnDevice):
        _device.waits += 1


def _inside(value: Any) -> Any:
    if isinstance(value, _OnDevice):
        return value.numbers
    return torch.device("cpu") if isinstance(value, torch.device) else value


def _copied_from(of: Tensor, to: Tensor, non_blocking: bool = False) -> Tensor:
    _note_copy(to, of)
    _inside(to).copy_(_inside(of))
    return to


def _made_by(operation: Any) -> Callable[..., Tensor]:
    def make(*args: Any, **kwargs: Any) -> Tensor:
        kwargs.pop("pin_memory", None)
        return _OnDevice(operation(*args, **{**kwargs, "device": torch.device("cpu")}))

    return make


class _Backend:
    """What torch asks of an accelerator's module."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def manual_seed_all(self, seed: int) -> None:
        """Its random numbers are the CPU's."""

    def _is_in_bad_fork(self) -> bool:
        return False

    def get_rng_state(self, device: object = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: object = None) -> None:
        torch.set_rng_state(state)


@cache
def _registered() -> Any:
    """Once a process, which keeps it."""
    _setup_privateuseone_for_python_backend(NAME, _Backend())
    operations = torch.ops.aten
    of_torch: Any = torch.library
    library = of_torch.Library("aten", "IMPL")
    makers = {
        "empty.memory_format": operations.empty.memory_format,
        "empty_strided": operations.empty_strided.default,
        # These make nothing and let it grow, which a tensor that is known by its numbers can't.
        "arange": operations.arange.default,
        "arange.start": operations.arange.start,
        "arange.start_step": operations.arange.start_step,
        "eye": operations.eye.default,
        "eye.m": operations.eye.m,
    }
    for name, operation in makers.items():
        library.impl(name, _made_by(operation), "PrivateUse1")
    library.impl("_copy_from", _copied_from, "PrivateUse1")
    return library


@contextmanager
def fake_cuda(monkeypatch: pytest.MonkeyPatch, count: int = 1) -> Iterator[FakeDevice]:
    """A machine with so many GPUs, all of which are this device."""
    _registered()
    global _device
    _device = FakeDevice()
    with monkeypatch.context() as patch:
        patch.setattr("modalmesh_services.common.backends.device._cuda_devices", lambda: count)
        patch.setattr(Device, "__str__", lambda device: "cpu" if device.type == "cpu" else f"{NAME}:{device.index}")
        patch.setattr(Tensor, "pin_memory", _page_locked)
        # Parameters become others instead of taking over the memory of ours, which no tensor of another kind can.
        before = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            yield _device
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(before)


_kept: list[Tensor] = []


def _page_locked(tensor: Tensor) -> Tensor:
    locked = tensor.clone()
    # Kept, so that no other tensor comes to have its id.
    _kept.append(locked)
    _pinned.add(id(locked))
    return locked
