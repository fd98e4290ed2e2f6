"""The GPU of the tests fails and waits where a real one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.simulated_gpu import SimulatedGpu, simulated_gpu


@pytest.fixture
def gpu() -> Iterator[SimulatedGpu]:
    with simulated_gpu() as gpu:
        yield gpu


def there(*shape: int) -> Tensor:
    return torch.arange(1.0, 1 + int(np.prod(shape))).reshape(shape).cuda()


MIXED: list[Callable[[Tensor, Tensor], object]] = [
    lambda x, y: x + y,
    lambda x, y: y + x,
    lambda x, y: x.mul_(y),
    lambda x, y: y.sum().add_(x.sum()),
    lambda x, y: torch.cat([x, y]),
    lambda x, y: torch.stack([x.sum(), y.sum()]),
    lambda x, y: x @ y,
    lambda x, y: torch.where(x > 1, x, y),
    lambda x, y: x[0] + y[0],
    lambda x, y: y[x[0].long() - 1],
    lambda x, y: x.gather(0, y.long() * 0),
    lambda x, y: x.index_select(0, torch.tensor([0])),
    lambda x, y: nn.functional.embedding(torch.tensor([0]), x),
    lambda x, y: nn.functional.linear(x, y),
    lambda x, y: torch.logaddexp(x, other=y),
    lambda x, y: nn.LSTM(3, 2)(x),
    lambda x, y: pack_padded_sequence(x[None], torch.tensor([3], device="cuda"), batch_first=True),
    lambda x, y: torch.rand(3, device="cuda", generator=torch.Generator()),
]


@pytest.mark.parametrize("function", MIXED)
def test_two_devices_do_not_mix(gpu: SimulatedGpu, function: Callable[..., object]) -> None:
    with pytest.raises(RuntimeError, match=r"device|CPU"):
        function(there(3, 3), torch.ones(3, 3))


ALLOWED: list[Callable[[Tensor], object]] = [
    lambda x: x + torch.tensor(1.0),
    lambda x: x.masked_fill(x > 2, torch.tensor(0.0)),
    lambda x: x.clamp(max=torch.tensor(2.0)),
    lambda x: x[torch.tensor([0, 2])],
    lambda x: x.copy_(torch.ones(3, 3)),
    lambda x: x.__setitem__(slice(0, 2), torch.ones(2, 3)),
    lambda x: pack_padded_sequence(x[None], torch.tensor([3]), batch_first=True),
    lambda x: ctc_loss(
        x[:, None].log_softmax(-1), there(1, 1).long(), torch.tensor([3]), torch.tensor([1])
    ),
]


@pytest.mark.parametrize("function", ALLOWED)
def test_what_torch_takes_from_the_cpu_is_taken(
    gpu: SimulatedGpu, function: Callable[[Tensor], object]
) -> None:
    found = function(there(3, 3))
    assert found is None or found.data.is_cuda  # type: ignore[attr-defined]


@pytest.mark.parametrize("function", [lambda x: x.numpy(), np.asarray, np.array])
def test_its_memory_is_no_array(gpu: SimulatedGpu, function: Callable[[Tensor], object]) -> None:
    with pytest.raises(TypeError, match=r"Tensor\.cpu"):
        function(there(2))


WAITING: list[Callable[[Tensor], object]] = [
    lambda x: x.sum().item(),
    lambda x: x.tolist(),
    lambda x: bool(x[0, 0] > 1),
    lambda x: float(x.sum()),
    lambda x: range(x[0, 0].long()),
    lambda x: f"{x.sum():.2f}",
    lambda x: x.cpu(),
    lambda x: x.to("cpu"),
    lambda x: x.to(torch.float64).to(device=torch.device("cpu")),
    lambda x: x.to(torch.ones(2)),
    lambda x: x.nonzero(),
    lambda x: torch.where(x > 1),
    lambda x: x.masked_select(x > 1),
    lambda x: x[x > 1],
    lambda x: x[0, : x[0, 0].long()],
    lambda x: x[[0, 1]],
    lambda x: x[torch.tensor([0, 1])],
    lambda x: x.__setitem__(x > 1, x[0, 0] * torch.ones(8, device="cuda")),
    lambda x: x.unique(),
    lambda x: torch.equal(x, x),
    lambda x: x.repeat_interleave(torch.ones(3, device="cuda").long(), 0),
    lambda x: torch.tensor([1, 2], device="cuda"),
    lambda x: torch.ones(2).to("cuda"),
    lambda x: torch.ones(2).to("cuda", non_blocking=True),  # memory that can be swapped out
    lambda x: torch.ones(9).reshape(3, 3).copy_(x),
    lambda x: torch.cuda.synchronize(),
]


@pytest.mark.parametrize("function", WAITING)
def test_who_waits_is_written_down(gpu: SimulatedGpu, function: Callable[..., object]) -> None:
    x = there(3, 3)
    gpu.waits.clear()
    function(x)
    (wait,) = gpu.waits
    assert wait.where.startswith(__file__) and wait.line.startswith("lambda x:")


NOT_WAITING: list[Callable[[Tensor], object]] = [
    lambda x: x[:2, None] * 2 + x.new_zeros(3),
    lambda x: x[x[0].long() - 1],
    lambda x: x.__setitem__(x > 1, 0.0),
    lambda x: torch.where(x > 1, x, 0),
    lambda x: x.repeat_interleave(2, 0),
    lambda x: x.repeat_interleave(torch.ones(3, device="cuda").long(), 0, output_size=3),
    lambda x: torch.zeros(3, device="cuda") + torch.arange(3, device=x.device),
    lambda x: torch.ones(3).pin_memory().to("cuda", non_blocking=True) + x,
    lambda x: x.to("cpu", non_blocking=True),
    lambda x: packed_and_padded(x[None]) + x,
    lambda x: (len(x), x.shape, x.dtype, x.device, list(x)),
    lambda x: nn.functional.dropout(nn.LSTM(3, 2).cuda()(x)[0]).sum().backward(),
]


def packed_and_padded(x: Tensor) -> Tensor:
    return pad_packed_sequence(pack_padded_sequence(x, torch.tensor([3]), batch_first=True), True)[
        0
    ]


@pytest.mark.parametrize("function", NOT_WAITING)
def test_who_goes_on_is_not(gpu: SimulatedGpu, function: Callable[[Tensor], object]) -> None:
    x = there(3, 3)
    gpu.waits.clear()
    function(x)
    assert [wait for wait in gpu.waits if ".cuda()" not in wait.line] == []


def test_what_nobody_waited_for_is_not_there(gpu: SimulatedGpu) -> None:
    copy = there(2).to("cpu", non_blocking=True)
    assert copy.isnan().all()
    torch.cuda.Event().synchronize()
    assert copy.tolist() == [1, 2]


def test_a_model_learns_the_same_there(gpu: SimulatedGpu) -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    ours[2].weight = ours[0].weight  # two layers, one weight
    theirs, x = deepcopy(ours), torch.randn(5, 3)
    kept = list(theirs.parameters())
    theirs.to("cuda")
    assert all(a is b for a, b in zip(kept, theirs.parameters(), strict=True))
    for model, given in ((ours, x), (theirs, x.cuda())):
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        with torch.autocast(given.device.type, torch.bfloat16):
            loss = model(given).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    for name, value in theirs.state_dict().items():
        assert value.is_cuda and isinstance(value, Tensor)
        torch.testing.assert_close(value.cpu(), ours.state_dict()[name])
    assert all(isinstance(p, nn.Parameter) and p.is_cuda for p in theirs.parameters())
    assert deepcopy(theirs)[2].weight.is_cuda
    assert all(type(p) is nn.Parameter for p in theirs.to("cpu").parameters())


def test_recurrent_layers_are_as_strict_as_those_of_cudnn(gpu: SimulatedGpu) -> None:
    cell, x = nn.GRU(3, 2).cuda(), there(4, 2, 3)
    with pytest.raises(RuntimeError, match="not contiguous"):
        cell(x, there(2, 2).t()[None])
    y = cell.eval()(x)[0]
    with pytest.raises(RuntimeError, match="training mode"):
        y.sum().backward()
    with torch.backends.cudnn.flags(enabled=False):
        cell(x, there(2, 2).t()[None])[0].sum().backward()


def test_it_is_there_in_threads_and_gone_afterwards() -> None:
    with simulated_gpu(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: there(2)).result().device.type == "cuda"
    assert type(torch.ones(2) + 1) is Tensor
    assert not torch.cuda.is_available() or torch.cuda.get_device_name() != "simulated GPU"
