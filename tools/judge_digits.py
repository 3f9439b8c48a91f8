"""Judge the digits that a run draws, by a classifier that has never seen a generated image.

    ddpm_train && python tools/judge_digits.py runs/digits

Trains a small classifier on the digits' training part (half a minute) and prints, with the seed of each draw:

- the classifier's accuracy on real digits that neither it nor the run was trained on;
- the share of 250 samples, 25 of each class at guidance 2, that it recognises as the class asked for;
- the Fréchet distance, in the classifier's 64 features, of 250 unguided samples (guidance 1) from those held-out
  digits, and for comparison the mean distance of 250 real training digits from the same ones (five draws).

Two hundred and fifty images in 64 dimensions leave a large distance even between two sets of real ones; only the
ratio of the two says anything, and only for this classifier.
"""
import argparse
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from ddpm_nb.data import digits_dls
from ddpm_nb.sampling import Denoiser, sample


def classifier():
    block = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
    features = nn.Sequential(*block(1, 64), *block(64, 64), nn.MaxPool2d(2), *block(64, 128),
                             nn.Flatten(), nn.Dropout(0.3), nn.Linear(128*4*4, 64), nn.ReLU())
    return nn.ModuleDict(dict(features=features, head=nn.Linear(64, 10)))

def train(x, y, epochs=50, bs=64):
    net, steps = classifier(), epochs*(len(x)//bs)
    opt = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, steps)
    for i in range(steps):
        if i % (len(x)//bs) == 0: order = torch.randperm(len(x)).split(bs)
        batch = order[i % (len(x)//bs)]
        shift = tuple(torch.randint(-1, 2, (2,)).tolist())              # the digit may lie a pixel off
        xb = F.pad(x[batch], (1, 1, 1, 1), value=-1.).roll(shift, (2, 3))[..., 1:-1, 1:-1]
        xb = xb + 0.1*torch.randn_like(xb)
        loss = F.cross_entropy(net['head'](net['features'](xb)), y[batch], label_smoothing=0.05)
        opt.zero_grad(); loss.backward(); opt.step(); schedule.step()
    return net.eval()

def frechet_distance(a, b):
    "Fréchet distance of two sets of features, (n, d), each taken for a Gaussian"
    a, b = a.double().numpy(), b.double().numpy()
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(0)).sum()
    return float(((a.mean(0) - b.mean(0))**2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2*root)

@torch.no_grad()
def judge(run, steps, seeds):
    torch.manual_seed(0)
    dls = digits_dls(device='cpu')
    (x, y), (x_held, y_held) = ((d.x, d.y) for d in (dls.train_ds, dls.valid_ds))
    with torch.enable_grad(): net = train(x, y)
    predict = lambda x: net['head'](net['features'](x)).argmax(1)
    print(f'classifier on {len(x_held)} held-out real digits: {(predict(x_held) == y_held).float().mean():.2%}')

    denoiser, wanted = Denoiser.from_run(run), torch.arange(250) % 10
    held = net['features'](x_held)
    real = np.mean([frechet_distance(net['features'](x[torch.randperm(len(x))[:250]]), held) for _ in range(5)])
    for seed in seeds:
        draw = lambda scale: sample(denoiser, wanted, steps=steps, cfg_scale=scale, progress=False,
                                    generator=torch.Generator().manual_seed(seed))
        right = (predict(draw(2.)) == wanted).float().mean()
        fd = frechet_distance(net['features'](draw(1.)), held)
        print(f'seed {seed}, {steps} steps: {right:.1%} recognised; Fréchet distance {fd:.2f}, real digits {real:.2f}, ratio {fd/real:.2f}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', help='run folder of a model of 8 × 8 digits')
    parser.add_argument('--steps', type=int, default=50, help='network evaluations of a sample')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    args = parser.parse_args()
    judge(args.run, args.steps, args.seeds)
