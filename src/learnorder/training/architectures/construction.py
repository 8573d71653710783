"""From a name to a network that maps a batch to logits, checked before the first step."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import ExtraMissing, LearnOrderError, nearest
from learnorder.training.architectures.table import ArchitectureEntry, check_architecture
from learnorder.training.inputs import InputShape
from learnorder.training.tokens import UNKNOWN_ID

if TYPE_CHECKING:
    import torch

_GIVEN: Final = ("input_shape", "n_classes")
_GIVEN_IF_DECLARED: Final = ("vocabulary_size", "embedding")


def build(
    name: str,
    shape: InputShape,
    n_classes: int,
    options: Mapping[str, Any],
    *,
    embedding: NDArray[np.float32] | None = None,
) -> torch.nn.Module:
    """Network of an architecture: a batch ``(n, *shape)`` becomes logits ``(n, n_classes)``.

    A built-in name and an import string lead to a callable of one convention:
    ``factory(input_shape, n_classes, **options)``, with ``input_shape`` a tuple of int. A callable
    that declares a parameter ``vocabulary_size`` or ``embedding`` gets that too. Initial weights
    depend only on torch's random state at the call: two examples are passed through the network
    to check it, in eval mode and outside that stream.

    Parameters
    ----------
    name
        A built-in name, or ``package.module:callable``.
    shape
        Of one input.
    n_classes
        Width of the output.
    options
        Of the architecture, by name.
    embedding
        ``(token id, dimension)`` word vectors, or None.

    Raises
    ------
    LearnOrderError
        The architecture or an option is unknown, cannot be imported, fails, does not read such
        inputs, or returns no network with one logit per class and something to train.
    """
    entry = check_architecture(name, options, shape.kind)
    if entry is not None:
        _refuse_learner(entry)
        _check_image_size(entry, shape)
    import_string = name if entry is None else entry.factory
    factory = _imported(import_string)
    given = {
        "input_shape": shape.shape,
        "n_classes": n_classes,
        "vocabulary_size": shape.vocabulary_size,
        "embedding": None if embedding is None else np.array(embedding, np.float32),
    }
    arguments = _arguments(factory, name, given, options)
    with _named(name, "it was called with " + _listed(arguments)):
        network: torch.nn.Module = factory(**arguments)
    _check_network(network, name, shape, n_classes)
    return network


def _refuse_learner(entry: ArchitectureEntry) -> None:
    if entry.is_learner:
        raise LearnOrderError(
            f"architecture: {entry.name!r} is no network and cannot be built as one. It is trained "
            "by `learnorder train`. Use an architecture of the family network."
        )


def _check_image_size(entry: ArchitectureEntry, shape: InputShape) -> None:
    least = entry.smallest_image
    if shape.kind == "image" and min(shape.shape[1:]) < least:
        raise LearnOrderError(
            f"architecture: {entry.name!r} cannot read images of {shape.shape[1]} by "
            f"{shape.shape[2]} pixels. It needs {least} by {least} at least. "
            "Use resnet-8 or mlp, which read any size."
        )


def _imported(import_string: str) -> Callable[..., Any]:
    """Return the callable an import string names."""
    _require_torch()
    module_name, _, path = import_string.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise LearnOrderError(
            f"architecture: module {module_name!r} of {import_string!r} cannot be imported "
            f"({_one_line(error)}). It is looked for on the Python path. Install it, or name its "
            "folder in PYTHONPATH."
        ) from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            close = get_close_matches(attribute, dir(found), n=1)
            advice = f"The nearest name there is {close[0]!r}" if close else "None there is similar"
            raise LearnOrderError(
                f"architecture: {import_string!r} leads nowhere, because "
                f"{getattr(found, '__name__', module_name)!r} has no {attribute!r}. {advice}. "
                "Correct the name after the colon."
            )
        found = getattr(found, attribute)
    if not callable(found):
        raise LearnOrderError(
            f"architecture: {import_string!r} is {type(found).__name__}, which cannot be called. "
            "An architecture is a function or class that returns a torch.nn.Module. Name that one."
        )
    return found  # type: ignore[no-any-return]


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(
            "architecture: networks need torch, which is not installed. It comes with the extra "
            "'train'. Install it with `pip install 'learnorder[train]'`."
        ) from error


def _arguments(
    factory: Callable[..., Any], name: str, given: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Keyword arguments of the call: what every factory gets, what it declares, its options."""
    for option in options:
        if option in given:
            raise LearnOrderError(
                f"architecture: option {option!r} of {name!r} comes from the dataset. "
                "Options are what a spec chooses. Leave it out."
            )
    arguments = {key: given[key] for key in _GIVEN}
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return arguments | dict(options)
    arguments |= {key: given[key] for key in _GIVEN_IF_DECLARED if key in parameters}
    arguments |= options
    _check_call(parameters, name, arguments)
    return arguments


def _check_call(
    parameters: Mapping[str, inspect.Parameter], name: str, arguments: Mapping[str, Any]
) -> None:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    kinds = {parameter.kind for parameter in parameters.values()}
    accepted = {key: p for key, p in parameters.items() if p.kind in by_name}
    unknown = [key for key in arguments if key not in accepted]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        raise LearnOrderError(
            f"architecture: {name!r} takes no argument {unknown[0]!r}. "
            + (nearest(unknown[0], accepted) if accepted else "It takes none by name.")
            + " It is called as callable(input_shape=..., n_classes=..., **options)."
        )
    required = {key for key, p in accepted.items() if p.default is inspect.Parameter.empty}
    missing = sorted(required - set(arguments))
    if missing:
        raise LearnOrderError(
            f"architecture: {name!r} needs the argument {', '.join(missing)}. What has no default "
            "must be among the options. Add it to the options of the architecture."
        )


def _check_network(network: Any, name: str, shape: InputShape, n_classes: int) -> None:
    """Pass two examples through, in eval mode, leaving random state and modes as they were."""
    import torch

    if not isinstance(network, torch.nn.Module):
        raise LearnOrderError(
            f"architecture: {name!r} returned {type(network).__name__}. An architecture returns a "
            "torch.nn.Module. Return the network itself."
        )
    examples = (
        torch.full((2, *shape.shape), UNKNOWN_ID, dtype=torch.int64)
        if shape.kind == "text"
        else torch.zeros((2, *shape.shape))
    )
    training = {module: module.training for module in network.modules()}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network.eval()
        with _named(name, f"its network was given a batch of shape {tuple(examples.shape)}"):
            logits = network(examples)
    for module, mode in training.items():
        module.training = mode
    if not (isinstance(logits, torch.Tensor) and logits.is_floating_point()):
        what = logits.dtype if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise LearnOrderError(
            f"architecture: the network of {name!r} put out {what}. It puts out logits, a "
            "floating-point tensor (example, class). Return the logits alone."
        )
    if logits.shape != (2, n_classes):
        raise LearnOrderError(
            f"architecture: the network of {name!r} put out the shape {tuple(logits.shape)} for 2 "
            f"examples and {n_classes} classes. Logits have the shape (2, {n_classes}). Make the "
            "last layer n_classes wide."
        )
    _check_trainable(network, name, writes_into_input=examples._version > 0)


def _check_trainable(network: torch.nn.Module, name: str, *, writes_into_input: bool) -> None:
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise LearnOrderError(
            f"architecture: the network of {name!r} has no parameter that can be trained "
            f"({sum(1 for _ in network.parameters())} in all). Training changes those that require "
            "a gradient. Leave some of them free."
        )
    if writes_into_input:
        raise LearnOrderError(
            f"architecture: the network of {name!r} writes into its input. All replicates read the "
            "same inputs, so they would depend on each other. Let its first layer leave them as "
            "they are, for example without inplace=True."
        )


@contextmanager
def _named(name: str, when: str) -> Iterator[None]:
    """Turn what fails in somebody's callable into one line that names it."""
    try:
        yield
    except LearnOrderError:
        raise
    except (Exception, SystemExit) as error:
        raise LearnOrderError(
            f"architecture: {name!r} failed ({_one_line(error)}) when {when}. "
            "A network reads a batch of inputs of this shape. Correct the callable or its options."
        ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _listed(arguments: Mapping[str, Any]) -> str:
    """Arguments for a message, arrays by their shape."""
    shown = {k: v.shape if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    return ", ".join(f"{key}={value!r}" for key, value in shown.items())
