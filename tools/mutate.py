"""Plant bugs, one at a time, and see whether the tests notice.

    python tools/mutate.py                    # all of them, two at a time: half an hour and more
    python tools/mutate.py --only heun ema    # those whose description or chapter has one of the words
    python tools/mutate.py --list

Each bug is one replacement in the source of one notebook. In a copy of the working tree the notebook is changed and
exported, and `nbdev_test` runs on its chapter, then on the later chapters until one fails. A bug that no chapter
notices is a survivor: add the test that kills it. The exit code is the number of survivors.

A chapter is added by its name in CHAPTERS, in reading order, and by bugs in BUGS; `tools/checks.py` tells which of them
can no longer be planted because the code has changed.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = '00_schedules 00a_exact 01_unet 01a_adm 02_ema 02a_data 03_trainer 03a_samplers 04_sampling 04a_watching 04b_scale 06_cli 07_score_sde'.split()

# chapter, what is wrong, the right text (once in the chapter), the wrong one
BUGS = [
    ('00_schedules', 'linear: betas not rescaled', "scale = 1000/noise_steps", "scale = 1."),
    ('00_schedules', 'signal: missing square root', "(log_alpha_bar/2).exp()", "log_alpha_bar.exp()"),
    ('00_schedules', 'noise: missing square root', "(-torch.expm1(log_alpha_bar)).sqrt()", "(-torch.expm1(log_alpha_bar))"),
    ('00_schedules', 'cosine: table shifted by one', "config['noise_steps'] + 1, dtype=torch.float64))", "config['noise_steps'] + 2, dtype=torch.float64)[1:])"),
    ('00_schedules', 'cosine: not squared', ".cos().square()", ".cos()"),
    ('00_schedules', 'sigmoid: temperature upside down', "(o*(end - start) + start)/tau)", "(o*(end - start) + start)*tau)"),
    ('00_schedules', 'karras: wrong power', "sigma_max**(1/rho), noise_steps, dtype=torch.float64)**rho", "sigma_max**(1/rho), noise_steps, dtype=torch.float64)**(rho - 1)"),
    ('00_schedules', 'flow: half a step off', "torch.arange(1, noise_steps + 1, dtype=torch.float64)/noise_steps", "(torch.arange(noise_steps, dtype=torch.float64) + 0.5)/noise_steps"),
    ('00_schedules', 'zero terminal SNR: shifted, not stretched', "(a - a[-1])*a[0]/(a[0] - a[-1])", "a - a[-1]"),
    ('00_schedules', 'log-SNR: half of it', "return (2*(self._signal[:-1].log()", "return (1*(self._signal[:-1].log()"),
    ('00_schedules', 'beta: first one lost', "prepend=torch.zeros(1, dtype=log_ab.dtype)", "prepend=log_ab[:1]"),
    ('00_schedules', 'noise_images: variance for standard deviation', "return a*x0 + b*noise, noise", "return a*x0 + b*b*noise, noise"),
    ('00_schedules', 'rates: one timestep off', "[t.to(like.device)].view(shape)", "[(t.to(like.device) - 1).clamp(min=0)].view(shape)"),
    ('00_schedules', 'level: noise of the timestep before', "return self._levels[t]", "return self._levels[t][0], self._levels[t - (t > 0)][1]"),
    ('00_schedules', 'timestep 0 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(1, self.T, (n,)"),
    ('00_schedules', 'timestep T-1 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(0, self.T - 1, (n,)"),
    ('00_schedules', 'logit-normal: no even share', "(1 - uniform)*edges.diff() + uniform/T", "edges.diff()"),
    ('00_schedules', 'v: wrong sign in the target', "v=lambda a, b: (-b, a)", "v=lambda a, b: (b, a)"),
    ('00_schedules', 'to x0: not divided by the determinant', "(q/(a*q - b*p)*x_t).sub_(b/(a*q - b*p)*pred)", "(q*x_t).sub_(b*pred)"),
    ('00_schedules', 'to eps: wrong sign', "(a*pred - p*x_t)/(a*q - b*p)", "(a*pred + p*x_t)/(a*q - b*p)"),
    ('00_schedules', 'score to eps: wrong sign', "if prediction == 'score': return -b*pred", "if prediction == 'score': return b*pred"),
    ('00_schedules', 'score: variance for standard deviation', "prediction)/self.rates(t, x_t)[1]", "prediction)/self.rates(t, x_t)[1]**2"),
    ('00_schedules', 'posterior: larger variance', "alpha*b_s**2/b_t**2, between*b_s**2/b_t**2", "alpha*b_s**2/b_t**2, between"),
    ('00_schedules', 'posterior: coefficients swapped', "return a_s*between/b_t**2, alpha*b_s**2/b_t**2,", "return alpha*b_s**2/b_t**2, a_s*between/b_t**2,"),
    ('00_schedules', 'posterior: alpha not squared', "between = b_t**2 - alpha**2*b_s**2", "between = b_t**2 - alpha*b_s**2"),
    ('00_schedules', 'min-SNR: max for min', "(gamma/snr).clamp(max=1)", "(gamma/snr).clamp(min=1)"),
    ('00_schedules', 'P2: wrong sign of the exponent', "(k + snr)**-gamma", "(k + snr)**gamma"),
    ('00_schedules', 'EDM: sigma_data not squared', "1 + 1/(snr*sigma_data**2)", "1 + 1/(snr*sigma_data)"),
    ('00_schedules', 'weights: those of ε for every prediction', "*(a/(a*q - b*p)).square()", "*1."),
    ('00_schedules', 'all items get the same noise', "_item_seed(seed, i)) for i in items", "_item_seed(seed, 0)) for i in items"),
    ('00a_exact', 'mixture: centres not shrunk', "(r*(1 - gain*a)) @ m", "r @ m"),
    ('00a_exact', 'mixture: 2 missing in the exponent', "far/(2*var)", "far/var"),
    ('00a_exact', 'mixture: gain without a', "m, a*s2/var, a", "m, s2/var, a"),
    ('00a_exact', 'Gaussian flow: missing square root', "(z*(lam/var).sqrt())", "(z*(lam/var))"),
    ('02_ema', 'ema: decay and weight swapped', "weight = 1 - self.decay_at(self.averaged)", "weight = self.decay_at(self.averaged)"),
    ('02_ema', 'ema: one step late', "if self.step < step_start_ema", "if self.step <= step_start_ema"),
    ('02_ema', 'ema: ramp begins at zero', "(1 + n)/(10 + n)) if", "n/(10 + n)) if"),
    ('02_ema', 'ema: buffers forgotten', "for avg, live in buffers: torch._foreach_copy_(avg, live)", "pass"),
    ('02_ema', 'ema: half-life by the rule of thumb', "-math.log(2)/math.log(beta)", "math.log(2)/(1 - beta)"),
    ('03_trainer', 'labels kept, not dropped, with p_uncond', "[rows] < self.p_uncond", "[rows] > self.p_uncond"),
    ('03_trainer', 'validation: each batch gets the same noise', "self.seen += n", "self.seen += 0"),
    ('03_trainer', 'the level told is not the level in the image', "noise_images(x0, t, noise)\n        self", "noise_images(x0, (t + 1).clamp(max=self.schedule.T - 1), noise)\n        self"),
    ('03a_samplers', 'ddpm: variance for standard deviation', "**2\n            x.add_(noise(), alpha=var**0.5)", "**2\n            x.add_(noise(), alpha=var)"),
    ('03a_samplers', 'ddpm: large variance without its square', "(schedule.level(t)[1]/schedule.level(s)[1])**2", "(schedule.level(t)[1]/schedule.level(s)[1])"),
    ('03a_samplers', 'ddim: eta not squared', "var = eta**2*schedule", "var = eta*schedule"),
    ('03a_samplers', 'ddim: noise added, none taken away', "keep = max(b_s**2 - var, 0.)**0.5/b_t", "keep = b_s/b_t"),
    ('03a_samplers', 'euler_ancestral: ratio not squared', "(1 - ratio**2)**0.5", "(1 - ratio)**0.5"),
    ('03a_samplers', 'heun: only half corrected', "eps + eps_end, alpha=(b_s - b_t)/2", "eps, alpha=b_s - b_t"),
    ('03a_samplers', 'heun: second answer at the wrong level', "x0_end = denoise(end, s)", "x0_end = denoise(end, t)"),
    ('03a_samplers', 'heun: churn adds the wrong noise', "b_up**2 - (a_up/a*b)**2", "b_up**2 - b**2"),
    ('03a_samplers', 'dpmpp: ratio of steps upside down', "*h/(2*h_before)    #", "*h_before/(2*h)    #"),
    ('03a_samplers', 'dpmpp: wrong sign', "x0 + (x0 - before)*h", "x0 - (x0 - before)*h"),
    ('03a_samplers', 'dpmpp sde: decay forgotten', "b_s/b_t*math.exp(-h)*x", "b_s/b_t*x"),
    ('03a_samplers', 'dpmpp sde: half of the exponent', "alpha=b_s*(-math.expm1(-2*h))**0.5", "alpha=b_s*(-math.expm1(-h))**0.5"),
    ('03a_samplers', 'unipc: answer before on the wrong side', "r = -steps[-2][2]/h", "r = steps[-2][2]/h"),
    ('03a_samplers', 'unipc: factor of the second integral', "i2 = 1 - 2*i1/h", "i2 = 1 - i1/h"),
    ('03a_samplers', 'unipc: never corrected', "if steps and steps[-1][2] < math.inf: x =", "if steps and steps[-1][2] < 0: x ="),
    ('03a_samplers', 'karras spacing: even in σ', "start, steps, rho=7, top=80)", "start, steps, rho=1, top=80)"),
    ('04_sampling', 'guidance: swapped', "out = uncond + cfg_scale*(cond - uncond)", "out = cond + cfg_scale*(uncond - cond)"),
    ('04_sampling', 'guidance: labels of the pair swapped', "torch.cat([y, none])", "torch.cat([none, y])"),
    ('04_sampling', 'rescale: upside down', "self.rescale*std(cond)/std(out)", "self.rescale*std(out)/std(cond)"),
    ('04_sampling', 'interval: or for and', "(self.interval[0] < sigma) & (sigma", "(self.interval[0] < sigma) | (sigma"),
    ('04_sampling', 'thresholding: images that fit are stretched', ".clamp(min=1).to(x.dtype)", ".to(x.dtype)"),
    ('04_sampling', 'start: noise of the wrong size', "denoiser.schedule.level(timesteps[0])[1]*noise.randn", "noise.randn"),
    ('04_sampling', 'encode: noise not rescaled', "(b_t/b_s*x).add_(clean, alpha=a_t - b_t/b_s*a_s)", "x.add(clean, alpha=a_t - a_s)"),
    ('04_sampling', 'slerp: length of one end', "((1 - share)*la + share*lb)", "la"),
    # what is only seen where a parameter is not at its default, and more than one probe or class is used
    ('00_schedules', 'repr: half of the log-SNR', 'lo, hi = self.log_snr[0].item(), self.log_snr[-1].item()', 'lo, hi = self.log_snr[0].item()/2, self.log_snr[-1].item()/2'),
    ('00_schedules', 'to: noise table stays', 'signal=self.signal.to(device), noise=self.noise.to(device))', 'signal=self.signal.to(device))'),
    ('00_schedules', 'linear: beta_end ignored', 'torch.linspace(beta_start*scale, beta_end*scale, noise_steps', 'torch.linspace(beta_start*scale, .02*scale, noise_steps'),
    ('00_schedules', 'linear: config forgets beta_end', "_config('linear', noise_steps, beta_start=beta_start, beta_end=beta_end)", "_config('linear', noise_steps, beta_start=beta_start)"),
    ('00_schedules', 'scaled: beta_start ignored', 'torch.linspace(beta_start**0.5, beta_end**0.5,', 'torch.linspace(0.00085**0.5, beta_end**0.5,'),
    ('00_schedules', 'scaled: not rescaled', '.square()*1000/noise_steps', '.square()'),
    ('00_schedules', 'scaled: config forgets', "_config('scaled_linear', noise_steps, beta_start=beta_start, beta_end=beta_end)", "_config('scaled_linear', noise_steps)"),
    ('00_schedules', 'sigmoid: start ignored', '(((o*(end - start) + start)/tau).sigmoid()', '(((o*(end + 3) - 3)/tau).sigmoid()'),
    ('00_schedules', 'sigmoid: config forgets tau', 'start=start, end=end, tau=tau))', 'start=start, end=end))'),
    ('00_schedules', 'log_linear: sigma_min ignored', 'torch.linspace(math.log(sigma_min), math.log(sigma_max), noise_steps', 'torch.linspace(math.log(0.01), math.log(sigma_max), noise_steps'),
    ('00_schedules', 'log_linear: config forgets', "_config('log_linear', noise_steps, sigma_min=sigma_min, sigma_max=sigma_max))", "_config('log_linear', noise_steps))"),
    ('00_schedules', 'karras: rho ignored', 'sigmas = torch.linspace(sigma_min**(1/rho), sigma_max**(1/rho), noise_steps, dtype=torch.float64)**rho', 'rho_ = 7; sigmas = torch.linspace(sigma_min**(1/rho_), sigma_max**(1/rho_), noise_steps, dtype=torch.float64)**rho_'),
    ('00_schedules', 'karras: sigma_max ignored', 'sigma_max**(1/rho), noise_steps', '80.**(1/rho), noise_steps'),
    ('00_schedules', 'karras: config forgets rho', 'sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)', 'sigma_min=sigma_min, sigma_max=sigma_max)'),
    ('00_schedules', 'zero snr: T 1 not refused', 'if schedule.T < 2 or not', 'if not'),
    ('00_schedules', 'rates: bool t is 1', 'isinstance(t, int) and not isinstance(t, bool) and 0 <= t < self.T: return self.level(t)', 'isinstance(t, int) and 0 <= t < self.T: return self.level(t)'),
    ('00_schedules', 'rates: bool tensor allowed', 'or t.is_complex() or t.dtype == torch.bool', 'or t.is_complex()'),
    ('00_schedules', 'level: -2 allowed', "if not -1 <= t < self.T: raise ValueError(f't must be in [-1,", "if not -self.T - 1 <= t < self.T: raise ValueError(f't must be in [-1,"),
    ('00_schedules', 'noise_images: generator ignored', 'device=x0.device, generator=generator)', 'device=x0.device)'),
    ('00_schedules', 'noise_images: one noise for the batch', 'noise = torch.randn(x0.shape, dtype=x0.dtype, device=x0.device, generator=generator)', 'noise = torch.randn(x0.shape[1:], dtype=x0.dtype, device=x0.device, generator=generator).expand(x0.shape)'),
    ('00_schedules', 'logit-normal: mean sign', '.logit() - mean)/std)', '.logit() + mean)/std)'),
    ('00_schedules', 'logit-normal: std ignored', '.logit() - mean)/std)', '.logit() - mean))'),
    ('00_schedules', 'logit-normal: std upside down', '.logit() - mean)/std)', '.logit() - mean)*std)'),
    ('00_schedules', 'sample_timesteps: generator ignored (even)', 'torch.randint(0, self.T, (n,), generator=generator, device=device)', 'torch.randint(0, self.T, (n,), device=device)'),
    ('00_schedules', 'sample_timesteps: generator ignored (probs)', 'n, replacement=True, generator=generator)', 'n, replacement=True)'),
    ('00_schedules', 'p2: k ignored', '(k + snr)**-gamma', '(1 + snr)**-gamma'),
    ('00_schedules', 'p2: gamma ignored', '(k + snr)**-gamma', '(k + snr)**-1'),
    ('00_schedules', 'edm weighting: sigma_data ignored', '1 + 1/(snr*sigma_data**2))', '1 + 1/(snr*0.25))'),
    ('00_schedules', 'randn: items share successive draws', 'for row, g in zip(out.unbind(), self.generators): row.normal_(generator=g)', 'for row, g in zip(out.unbind(), self.generators): row.normal_(generator=torch.Generator().manual_seed(g.initial_seed()))'),
    ('00_schedules', 'item seed: seed high bits lost', 'return x ^ x >> 16 ^ z >> 32', 'return x ^ x >> 16'),
    ('00a_exact', 'sample: std for image shape', 'self.stds[k].float().view(-1, *[1]*len(self.shape))', 'self.stds.mean().float()'),
    ('00a_exact', 'sample: generator of noise ignored', 'noise = torch.randn(n, *self.shape, generator=generator)', 'noise = torch.randn(n, *self.shape)'),
    ('00a_exact', 'gaussian: image shape', '(mean + (z*a*lam/var) @ axes.T).view(x_t.shape)', '(mean + (z*a*lam/var) @ axes.T)'),
    ('00a_exact', 'num_classes one short', 'int(self.labels.max()) + 1', 'int(self.labels.max())'),
    ('00a_exact', 'exact model ignores y', 'self.data.expected_x0(x, a, b, y)', 'self.data.expected_x0(x, a, b)'),
    ('01_unet', 'list of names: cut ones not counted', 'and {len(names) - n} more', 'and {len(names)} more'),
    ('01a_adm', 'heads: always one', 'self.heads = max(1, channels//head_dim)', 'self.heads = 1'),
    ('01a_adm', 'config forgets attention', 'attention_at=list(attention_at), blocks=blocks)', 'blocks=blocks)'),
    ('02_ema', 'ramp cap lost', 'return min(self.beta, (1 + n)/(10 + n)) if self.ramp', 'return (1 + n)/(10 + n) if self.ramp'),
    ('02_ema', 'copy resets not buffers', "for kind in ('named_parameters', 'named_buffers'):\n            for avg", "for kind in ('named_parameters',):\n            for avg"),
    ('03a_samplers', 'trailing: not rounded', '(2*n*(steps - i) + steps)//(2*steps) - 1', '(2*n*(steps - i))//(2*steps) - 1'),
    ('03a_samplers', 'heun: gamma cap', '2**0.5 - 1)\n    for', '1e9)\n    for'),
    ('04a_watching', 'level loss: part off', 'part = (self.xb[1].cpu()*self.n)//self.learn.ddpm.schedule.T', 'part = ((self.xb[1].cpu()+1).clamp(max=self.learn.ddpm.schedule.T-1)*self.n)//self.learn.ddpm.schedule.T'),
    ('04a_watching', 'level loss: names', 'starts = [-(-i*self.learn.ddpm.schedule.T//self.n)', 'starts = [i*(self.learn.ddpm.schedule.T//self.n)'),
    ('04a_watching', 'level loss: names swapped', "zip(('valid', 'ema'), self.total", "zip(('ema', 'valid'), self.total"),
    ('04a_watching', 'plot: first and last swapped', "(noted[0], 'valid', 'first epoch', ':'), (noted[-1], 'valid', 'last epoch', '-')", "(noted[-1], 'valid', 'first epoch', ':'), (noted[0], 'valid', 'last epoch', '-')"),
    ('04a_watching', 'plot_losses: column off', 'else float(v[i]) for v in', 'else float(v[0]) for v in'),
    ('04a_watching', 'plot_losses: epochs from 0', 'range(1, len(losses) + 1)', 'range(len(losses))'),
    ('04a_watching', 'LossPlot: never reset', 'if self.epoch == 0: self.handle = None', 'pass'),
    ('04a_watching', 'show_results: rows swapped', 'torch.cat([x[:n].cpu(), fake.cpu()])', 'torch.cat([fake.cpu(), x[:n].cpu()])'),
    ('04a_watching', 'show_results: labels not those', 'y = y[0][:n] if y and', 'y = y[0][-n:] if y and'),
    ('04a_watching', 'show_results: cfg ignored', 'cfg_scale=1. if y is None else cfg_scale', 'cfg_scale=1.'),
    ('04a_watching', 'show_results: seed ignored', 'torch.Generator().manual_seed(seed)', 'torch.Generator().manual_seed(0)'),
    ('04a_watching', 'show_results: steps ignored', 'steps=min(steps, self.ddpm.schedule.T)', 'steps=min(25, self.ddpm.schedule.T)'),
    ('07_score_sde', 'Hutchinson: summed, not averaged', 'for e in signs)/len(signs)', 'for e in signs)'),
    ('07_score_sde', 'Hutchinson: only the first probe', 'for e in signs)/len(signs)', 'for e in signs[:1])'),
    ('07_score_sde', 'likelihood: all probes the same', 'noise.randn(x0.shape[1:], device).sign().double() for _ in range(probes)]', 'noise.randn(x0.shape[1:], device).sign().double()]*probes'),
    ('07_score_sde', 'likelihood: probes ignored', '.sign().double() for _ in range(probes)]', '.sign().double() for _ in range(1)]'),
    ('07_score_sde', 'likelihood: generator ignored', 'ItemNoise(_seed(generator), range(len(x0)))', 'ItemNoise(_seed(None), range(len(x0)))'),
    ('07_score_sde', 'likelihood: labels ignored', 'schedule.T - 1), labels, 1., rtol, atol, method, rate)', 'schedule.T - 1), None, 1., rtol, atol, method, rate)'),
    ('07_score_sde', 'likelihood: method ignored', 'labels, 1., rtol, atol, method, rate)', "labels, 1., rtol, atol, 'RK45', rate)"),
    ('07_score_sde', 'likelihood: rtol for atol', 'labels, 1., rtol, atol, method, rate)', 'labels, 1., rtol, rtol, method, rate)'),
    ('07_score_sde', 'bits: default bin', 'bin=2/255', 'bin=2/256'),
    ('07_score_sde', 'reverse: wrong between SDE and ODE', 'self.drift(x, t) - (1 + randomness)/2*', 'self.drift(x, t) - (0.5 + randomness**2/2)*'),
    ('07_score_sde', 'reverse: randomness root', 'lambda t: randomness**0.5*self.diffusion(t)', 'lambda t: randomness*self.diffusion(t)'),
    ('07_score_sde', 'VP: beta_min ignored', 'return self.beta_min + t*(self.beta_max - self.beta_min)', 'return 0.1 + t*(self.beta_max - 0.1)'),
    ('07_score_sde', 'VP: integral beta_max', 'self.beta_min*t + t*t*(self.beta_max - self.beta_min)/2', '0.1*t + t*t*(20. - 0.1)/2'),
    ('07_score_sde', 'VP: beta_max ignored', 'self.beta_min, self.beta_max = beta_min, beta_max', 'self.beta_min, self.beta_max = beta_min, 20.'),
    ('07_score_sde', 'VE: sigma_max ignored', 'math.log(sigma_max/sigma_min)', 'math.log(50./sigma_min)'),
    ('07_score_sde', 'VE: sigma_min ignored', 'self.sigma_min, self.growth = sigma_min,', 'self.sigma_min, self.growth = 0.01,'),
    ('07_score_sde', 'Langevin: a forgotten', 'delta/2*(a*denoise(x, t) - x)', 'delta/2*(denoise(x, t) - x)'),
    ('07_score_sde', 'decode: cfg ignored', 'labels, cfg_scale, rtol, atol, method)/a).to', 'labels, 1., rtol, atol, method)/a).to'),
    ('07_score_sde', 'decode: labels ignored', '(denoiser.schedule.T - 1, 0), labels, cfg_scale', '(denoiser.schedule.T - 1, 0), None, cfg_scale'),
    ('07_score_sde', 'exactly: clips', 'ContinuousSchedule(denoiser.schedule), None, None', 'ContinuousSchedule(denoiser.schedule), denoiser.clip, None'),
    ('07_score_sde', 'answer: float64 net', 'x_in = x.to(weights[0].dtype) if weights else x', 'x_in = x.float() if weights else x'),
    ('07_score_sde', 'edm_schedule: mean ignored', 'sigma = (mean + std*torch', 'sigma = (-1.2 + std*torch'),
    ('07_score_sde', 'edm_schedule: std ignored', 'sigma = (mean + std*torch', 'sigma = (mean + 1.2*torch'),
    ('07_score_sde', 'edm_schedule: sigma_data ignored', '(sigma**2 + sigma_data**2)**-0.5', '(sigma**2 + 0.25)**-0.5'),
    ('04b_scale', 'everybody decides for himself', "    if num_distrib() < 2: return f()\n", "    return f()\n"),
    ('04b_scale', 'the first one goes with the others', "    if rank_distrib(): dist.barrier()\n    yield\n    if num_distrib() > 1 and not rank_distrib(): dist.barrier()", "    yield"),
]

def run(command, cwd):
    "Exit code and output of `command`."
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(cwd))
    out = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return out.returncode, out.stdout

def copy_tree(to):
    "Copy the files that git knows, as they are now."
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split('\0')
    for name in filter(None, names):
        if (ROOT/name).exists():
            (to/name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT/name, to/name)

def places(nb, right):
    "The exported cells of the notebook `nb` in which `right` stands, each as often as it does."
    exported = [c for c in nb['cells'] if c['cell_type'] == 'code' and ''.join(c['source']).startswith(('#| export', '#|export'))]
    return [c for c in exported for _ in range(''.join(c['source']).count(right))]

def plant(path, right, wrong):
    "Replace `right` in the exported cells of the notebook at `path`, where it must stand once."
    nb = json.loads(path.read_text(encoding='utf-8'))
    found = places(nb, right)
    if len(found) != 1: raise SystemExit(f'{path.name}: {right!r} should stand in the exported cells once; found {len(found)} times')
    found[0]['source'] = ''.join(found[0]['source']).replace(right, wrong).splitlines(keepends=True)
    path.write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')

def caught_by(tree, chapter, right, wrong):
    "The first chapter whose tests fail with the bug planted, or None."
    notebook = tree/'nbs'/f'{chapter}.ipynb'
    before = notebook.read_bytes()
    export = [sys.executable, '-c', f"from nbdev.export import nb_export; nb_export('nbs/{chapter}.ipynb', 'ddpm_nb')"]
    try:
        plant(notebook, right, wrong)
        code, out = run(export, tree)
        if code: raise SystemExit(out)
        for name in CHAPTERS[CHAPTERS.index(chapter):]:
            if run(['nbdev_test', '--path', f'nbs/{name}.ipynb'], tree)[0]: return name
    finally:
        notebook.write_bytes(before)
        run(export, tree)

def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', nargs='+', default=[], help='words of a description or chapter')
    parser.add_argument('--jobs', type=int, default=2, help='how many at a time')
    parser.add_argument('--list', action='store_true', help='only say what would be planted')
    args = parser.parse_args()
    bugs = [b for b in BUGS if not args.only or any(w in f'{b[0]} {b[1]}' for w in args.only)]
    if args.list: print('\n'.join(f'{c:13} {what}' for c, what, *_ in bugs)); return 0
    start, survivors, trees = time.time(), [], Queue()
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(args.jobs):
            tree = Path(tmp)/str(i)
            tree.mkdir(); copy_tree(tree); trees.put(tree)
        for chapter, _, right, wrong in bugs:                # first see that all can be planted
            path = Path(tmp)/'try.ipynb'
            shutil.copyfile(ROOT/'nbs'/f'{chapter}.ipynb', path)
            plant(path, right, wrong)
        def one(bug):
            tree = trees.get()
            try: return bug, caught_by(tree, bug[0], *bug[2:])
            finally: trees.put(tree)
        with ThreadPoolExecutor(args.jobs) as pool:
            for (chapter, what, *_), by in pool.map(one, bugs):
                if by is None: survivors.append(what)
                print(f'{"SURVIVED" if by is None else "caught"}  {chapter:13} {what}' + (f'  (by {by})' if by not in (None, chapter) else ''), flush=True)
    print(f'{len(bugs) - len(survivors)} of {len(bugs)} bugs caught in {time.time() - start:.0f} s')
    return len(survivors)

if __name__ == '__main__': sys.exit(main())
