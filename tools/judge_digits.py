"""Judge the digits that a run draws, by a classifier that has never seen a generated image.

    ddpm_train && python tools/judge_digits.py runs/digits

Trains the classifier of `ddpm_nb.evaluation` on the digits' training part (half a minute, once for all runs in the
folder beside it) and prints, with the seed of each draw:

- the classifier's accuracy on real digits that neither it nor the run was trained on;
- the share of 250 samples, 25 of each class at guidance 2, that it recognises as the class asked for;
- the Fréchet distance, in the classifier's 64 features, of 250 unguided samples (guidance 1) from those held-out
  digits, and for comparison the mean distance of 250 real training digits from the same ones (five draws).

Two hundred and fifty images in 64 dimensions leave a large distance even between two sets of real ones; only the
ratio of the two says anything, and only for this classifier. `ddpm_evaluate` measures more, with intervals.
"""
import argparse
import numpy as np
import torch
from pathlib import Path
from ddpm_nb.data import digits_dls
from ddpm_nb.evaluation import fit_extractor, frechet_distance
from ddpm_nb.sampling import Denoiser, sample


def judge(run, steps, seeds):
    dls = digits_dls(device='cpu')
    (x, y), (x_held, y_held) = ((d.x, d.y) for d in (dls.train_ds, dls.valid_ds))
    eyes = fit_extractor(x, y, cache=Path(run).parent)
    predict = lambda x: eyes.classify(x).argmax(1)
    print(f'{eyes} on {len(x_held)} held-out real digits: {(predict(x_held) == y_held).float().mean():.2%}')

    denoiser, wanted, g = Denoiser.from_run(run), torch.arange(250) % 10, torch.Generator().manual_seed(0)
    held = eyes(x_held)
    real = np.mean([frechet_distance(eyes(x[torch.randperm(len(x), generator=g)[:250]]), held) for _ in range(5)])
    for seed in seeds:
        draw = lambda scale: sample(denoiser, wanted, steps=steps, cfg_scale=scale, progress=False,
                                    generator=torch.Generator().manual_seed(seed))
        right = (predict(draw(2.)) == wanted).float().mean()
        fd = frechet_distance(eyes(draw(1.)), held)
        print(f'seed {seed}, {steps} steps: {right:.1%} recognised; Fréchet distance {fd:.2f}, real digits {real:.2f}, ratio {fd/real:.2f}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', help='run folder of a model of 8 × 8 digits')
    parser.add_argument('--steps', type=int, default=50, help='network evaluations of a sample')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    args = parser.parse_args()
    judge(args.run, args.steps, args.seeds)
