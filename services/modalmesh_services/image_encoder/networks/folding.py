"""Batch normalisation folded into the convolutions before it: the same function in fewer passes over memory."""

import itertools

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> None:
    """Fold, in place, wherever a BatchNorm2d is registered right behind a Conv2d. The network must be in eval mode.

    torchvision registers them in the order in which they run: as pairs in a Sequential, or as conv1, bn1, ...
    """
    for module in network.modules():
        children = list(module.named_children())
        for (name, conv), (norm_name, norm) in itertools.pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())
