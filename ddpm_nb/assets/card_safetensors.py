import torch
from ddpm_nb.sampling import Denoiser, sample

network = ...     # your network, built as it was for training                                      #: own network
denoiser = Denoiser.from_run('.', model=network)                                                    #: own network
denoiser = Denoiser.from_run('.')                                                                   #: our network
seeded = torch.Generator().manual_seed(0)
x = sample(denoiser, list(range(10)), steps=50, generator=seeded)     # in [-1, 1]                  #: classes
x = sample(denoiser, 8, steps=50, generator=seeded)     # in [-1, 1]                                #: no classes
