"""What a network may have that a stack of its weights would not do."""

from __future__ import annotations

from torch import nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_post_accumulate_grad_hooks",
)


def peculiarity(network: nn.Module) -> str | None:
    """Name what makes a network more than its layers and weights; None if there is nothing."""
    parameters = list(network.parameters())
    if any(getattr(owner, h, None) for owner in (*network.modules(), *parameters) for h in _HOOKS):
        return "it has hooks"
    if any("forward" in vars(module) for module in network.modules()):
        return "a forward of its own was put into it"
    if not all(p.requires_grad for p in parameters):
        return "some of its weights are frozen"
    if len(list(network.named_parameters(remove_duplicate=False))) > len(parameters):
        return "layers of it share their weights"
    return None
