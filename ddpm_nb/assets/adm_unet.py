"""The U-Net of ddpm_nb for diffusers: a UNet2DModel with the groups and heads that each width allows."""
from functools import wraps
from math import gcd
from diffusers import UNet2DModel
from diffusers.models.attention_processor import Attention
from torch import nn

class ADMUNet2D(UNet2DModel):
    @wraps(UNet2DModel.__init__)          # diffusers reads the names of the arguments from the signature
    def __init__(self, *args, **kwargs):
        blocks = {k: v for k, v in kwargs.items() if k in ('down_block_types', 'up_block_types')}
        super().__init__(*args, **kwargs | {k: [o.removeprefix('ADMUNet2D.') for o in v] for k, v in blocks.items()})
        self.register_to_config(**blocks)  # a saved copy must not look like a UNet2DModel either
        for m in self.modules():
            if isinstance(m, nn.GroupNorm): m.num_groups = gcd(32, m.num_channels//4)
            if isinstance(m, Attention):
                m.heads = max(1, m.to_q.out_features//32)
                m.scale = (m.to_q.out_features/m.heads)**-0.5
