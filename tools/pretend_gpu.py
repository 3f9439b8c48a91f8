"""Pretend that this machine has a GPU: `import pretend_gpu`, before fastai, and fastai puts loaders and learners on it.

The device is called `pretend`. It computes on the CPU, but as on a GPU an operation on tensors of two devices is an
error, and so is NumPy's view of its memory. `tools/run_notebooks.py --pretend-gpu` runs notebooks on it, so that a
machine without a GPU finds the cells that would fail on a machine with one.

The rule for cells without a flag: they do not depend on the devices of the machine. A cell that brings tensors of its
own makes its loaders with `device='cpu'`, or takes its tensors to where the learner's are (`x.to(learn.dls.device)`).
What a tensor's own device decides inside the library (mixed precision, fused optimisers) is left to `#| cuda` cells.
"""
import torch
import fastai.torch_core
from contextlib import nullcontext
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

class Backend(_DummyBackendModule):
    "What PyTorch asks of a device's module."
    @staticmethod
    def device(index): return nullcontext()

_setup_privateuseone_for_python_backend('pretend', Backend())
aten, DEVICE = torch.ops.aten, torch.device('pretend', 0)
MOVES = aten.copy_, aten._to_copy, aten._copy_from, aten._foreach_copy_, aten.set_
INDEXES = aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index     # these take indices from the CPU

class Pretend(torch.Tensor):
    "A tensor whose values are in the CPU tensor `raw`, and whose device is not the CPU."
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, raw):
        self = torch.Tensor._make_wrapper_subclass(cls, raw.shape, strides=raw.stride(), storage_offset=raw.storage_offset(), dtype=raw.dtype, device=DEVICE)
        self.raw = raw
        return self

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        op, kwargs, wrapper_of = func.overloadpacket, dict(kwargs or {}), {}
        to = torch.device(kwargs.get('device') or DEVICE)
        kwargs = {k: torch.device('cpu') if k == 'device' and v is not None else v for k, v in kwargs.items() if k != 'pin_memory'}
        def unwrap(o):
            if isinstance(o, Pretend):
                wrapper_of[id(o.raw)] = o
                return o.raw
            if isinstance(o, torch.Generator): raise RuntimeError("Expected a 'pretend' device type for generator but found 'cpu'")
            if isinstance(o, torch.Tensor) and o.dim() and op not in MOVES and not (op in INDEXES and not o.is_floating_point()):
                raise RuntimeError(f'Expected all tensors to be on the same device, but found at least two devices, pretend:0 and cpu! ({func})')
            return o
        raw_args, raw_kwargs = tree_map(unwrap, args), tree_map(unwrap, kwargs)
        if op in INDEXES and not isinstance(args[0], Pretend): raise RuntimeError('indices should be on the same device as the indexed tensor (cpu)')
        out = func(*raw_args, **raw_kwargs)
        def wrap(o):
            if not isinstance(o, torch.Tensor): return o
            return wrapper_of.get(id(o)) if id(o) in wrapper_of else o if to.type == 'cpu' else Pretend(o)
        return args[0] if op is aten.copy_ else tree_map(wrap, out)

    def tolist(self): return self.cpu().tolist()
    def __format__(self, spec): return format(self.cpu(), spec)
    def __reduce_ex__(self, protocol): return self.detach().cpu().__reduce_ex__(protocol)    # saved tensors come back on the CPU
    def __tensor_flatten__(self): return ['raw'], None                                        # lets `Module.to` keep the Parameter objects
    @staticmethod
    def __tensor_unflatten__(inner, meta, size, stride): return Pretend(inner['raw'])

def empty(size, *, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    return Pretend(torch.empty(size, dtype=dtype, memory_format=memory_format or torch.contiguous_format))
def empty_strided(size, stride, *, dtype=None, layout=None, device=None, pin_memory=None):
    return Pretend(torch.empty_strided(size, stride, dtype=dtype))
def _copy_from(x, to, non_blocking=False):
    to.raw.copy_(getattr(x, 'raw', x))
    return to

library = torch.library.Library('aten', 'IMPL')
for f in (empty_strided, _copy_from): library.impl(f.__name__, f, 'PrivateUse1')
library.impl('empty.memory_format', empty, 'PrivateUse1')
load = torch.load
torch.load = lambda *args, **kwargs: load(*args, **kwargs | {'map_location': 'cpu'} if kwargs.get('map_location') == DEVICE else kwargs)
fastai.torch_core.default_device = lambda use=-1: DEVICE
