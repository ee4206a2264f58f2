"""EfficientNet-Lite0, as the packaged weights want it, from torchvision's own EfficientNet.

Lite leaves out squeeze-and-excitation, uses ReLU6, keeps stem and head as they are, and pads as TensorFlow does.
"""

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.efficientnet import EfficientNet, MBConv, MBConvConfig

NAME = "efficientnet-lite0"
_OTHERS = "these are not the weights of EfficientNet-Lite0"
# expansion, kernel, stride, channels in, channels out, repeats
_STAGES = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)


class SamePadConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: what can't be split evenly goes right and below.

    It takes heights and widths that are multiples of its stride, as all are in this network. Only so is the padding a
    constant, which a converter can make a part of the convolution instead of a pass over memory.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """(B, C, H, W) to (B, C', H / stride, W / stride)."""
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        return super().forward(functional.pad(input, (before, after, before, after)))


def efficientnet_lite0(weights: Mapping[str, Tensor]) -> EfficientNet:
    """The network with the packaged weights, whose names differ from torchvision's but whose order is the same.

    Raises:
        ValueError: they are not the weights of EfficientNet-Lite0.
    """
    own = _empty().state_dict()
    if len(own) != len(weights):
        raise ValueError(_OTHERS)
    return with_own_names(dict(zip(own, weights.values(), strict=True)))


def with_own_names(weights: Mapping[str, Tensor]) -> EfficientNet:
    """The network with weights under torchvision's names.

    Raises:
        ValueError: they are not the weights of EfficientNet-Lite0.
    """
    network = _empty()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(_OTHERS) from error
    return network.eval()


def _empty() -> EfficientNet:
    block = partial(MBConv, se_layer=nn.Identity)
    network = EfficientNet(
        [MBConvConfig(*stage, block=block) for stage in _STAGES],
        dropout=0.0,
        norm_layer=partial(nn.BatchNorm2d, eps=1e-3),
        last_channel=1280,
    )
    _make_lite(network)
    return network


def _make_lite(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.SiLU):
            setattr(module, name, nn.ReLU6(inplace=True))
        elif isinstance(child, nn.Conv2d) and child.stride != (1, 1):
            setattr(module, name, _with_same_padding(child))
        else:
            _make_lite(child)


def _with_same_padding(conv: nn.Conv2d) -> SamePadConv2d:
    kernel, stride = conv.kernel_size[0], conv.stride[0]  # all are squares
    return SamePadConv2d(conv.in_channels, conv.out_channels, kernel, stride, groups=conv.groups, bias=False)
