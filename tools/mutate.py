"""Plant bugs, one at a time, and see whether the tests notice.

    python tools/mutate.py                    # all of them, two at a time
    python tools/mutate.py --only heun 02_ema # those whose description or chapter has one of the words
    python tools/mutate.py --list

Each bug is one replacement in the exported code of one notebook. In a copy of the working tree the notebook runs once, as
`nbdev_test` does it; before an exported cell the process forks once for each bug of the cell, and the fork goes on with
the wrong cell until a test fails. A bug that no test of its own notebook notices is planted in the module as well, and
the notebooks that import it run, too, until one fails. A bug that no notebook notices is a survivor: add the test that
kills it. The exit code is the number of survivors.

A bug is what is wrong, the right text, which stands once in all chapters together, and the wrong text. A bug therefore
stays with its code when the code moves to another chapter. `tools/checks.py` says which bugs can no longer be planted
because the code has changed.
"""
import argparse, json, multiprocessing, os, re, shutil, signal, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
HANGS = 600    # seconds after which a fork with a bug is given up; that is a failed test
# what is wrong, the right text (once in all chapters), the wrong one
BUGS = [
    ('linear: betas not rescaled', "scale = 1000/noise_steps", "scale = 1."),
    ('signal: missing square root', "(log_alpha_bar/2).exp()", "log_alpha_bar.exp()"),
    ('noise: missing square root', "(-torch.expm1(log_alpha_bar)).sqrt()", "(-torch.expm1(log_alpha_bar))"),
    ('cosine: table shifted by one', "config['noise_steps'] + 1, dtype=torch.float64))", "config['noise_steps'] + 2, dtype=torch.float64)[1:])"),
    ('cosine: not squared', ".cos().square()", ".cos()"),
    ('sigmoid: temperature upside down', "(o*(end - start) + start)/tau)", "(o*(end - start) + start)*tau)"),
    ('karras: wrong power', "sigma_max**(1/rho), noise_steps, dtype=torch.float64)**rho", "sigma_max**(1/rho), noise_steps, dtype=torch.float64)**(rho - 1)"),
    ('flow: half a step off', "    u = torch.arange(1, noise_steps + 1, dtype=torch.float64)/noise_steps", "    u = (torch.arange(noise_steps, dtype=torch.float64) + 0.5)/noise_steps"),
    ('zero terminal SNR: shifted, not stretched', "(a - a[-1])*a[0]/(a[0] - a[-1])", "a - a[-1]"),
    ('log-SNR: half of it', "return (2*(self._signal[:-1].log()", "return (1*(self._signal[:-1].log()"),
    ('beta: first one lost', "prepend=torch.zeros(1, dtype=log_ab.dtype)", "prepend=log_ab[:1]"),
    ('noise_images: variance for standard deviation', "return a*x0 + b*noise, noise", "return a*x0 + b*b*noise, noise"),
    ('rates: one timestep off', "[t.to(like.device)].view(shape)", "[(t.to(like.device) - 1).clamp(min=0)].view(shape)"),
    ('level: noise of the timestep before', "return self._levels[t]", "return self._levels[t][0], self._levels[t - (t > 0)][1]"),
    ('timestep 0 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(1, self.T, (n,)"),
    ('timestep T-1 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(0, self.T - 1, (n,)"),
    ('logit-normal: no even share', "(1 - uniform)*edges.diff() + uniform/T", "edges.diff()"),
    ('v: wrong sign in the target', "v=lambda a, b: (-b, a)", "v=lambda a, b: (b, a)"),
    ('to x0: not divided by the determinant', "(q/(a*q - b*p)*x_t).sub_(b/(a*q - b*p)*pred)", "(q*x_t).sub_(b*pred)"),
    ('to eps: wrong sign', "(a*pred - p*x_t)/(a*q - b*p)", "(a*pred + p*x_t)/(a*q - b*p)"),
    ('score to eps: wrong sign', "if prediction == 'score': return -b*pred", "if prediction == 'score': return b*pred"),
    ('score: variance for standard deviation', "prediction)/self.rates(t, x_t)[1]", "prediction)/self.rates(t, x_t)[1]**2"),
    ('posterior: larger variance', "alpha*b_s**2/b_t**2, between*b_s**2/b_t**2", "alpha*b_s**2/b_t**2, between"),
    ('posterior: coefficients swapped', "return a_s*between/b_t**2, alpha*b_s**2/b_t**2,", "return alpha*b_s**2/b_t**2, a_s*between/b_t**2,"),
    ('posterior: alpha not squared', "between = b_t**2 - alpha**2*b_s**2", "between = b_t**2 - alpha*b_s**2"),
    ('min-SNR: max for min', "(gamma/snr).clamp(max=1)", "(gamma/snr).clamp(min=1)"),
    ('P2: wrong sign of the exponent', "(k + snr)**-gamma", "(k + snr)**gamma"),
    ('EDM: sigma_data not squared', "1 + 1/(snr*sigma_data**2)", "1 + 1/(snr*sigma_data)"),
    ('weights: those of ε for every prediction', "*(a/(a*q - b*p)).square()", "*1."),
    ('all items get the same noise', "_item_seed(seed, i)) for i in items", "_item_seed(seed, 0)) for i in items"),
    ('mixture: centres not shrunk', "(r*(1 - gain*a)) @ m", "r @ m"),
    ('mixture: 2 missing in the exponent', "far/(2*var)", "far/var"),
    ('mixture: gain without a', "m, a*s2/var, a", "m, s2/var, a"),
    ('Gaussian flow: missing square root', "(z*(lam/var).sqrt())", "(z*(lam/var))"),
    ('ema: decay and weight swapped', "], 1 - self.decay_at(self.averaged))", "], self.decay_at(self.averaged))"),
    ('ema: one step late', "if self.step < step_start_ema else", "if self.step <= step_start_ema else"),
    ('ema: ramp begins at zero', "(1 + n)/(10 + n)) if", "n/(10 + n)) if"),
    ('ema: buffers forgotten', "for avg, live in buffers: torch._foreach_copy_(avg, live)", "pass"),
    ('ema: half-life by the rule of thumb', "-math.log(2)/math.log(beta)", "math.log(2)/(1 - beta)"),
    ('labels kept, not dropped, with p_uncond', "[rows] < p\n", "[rows] > p\n"),
    ('validation: each batch gets the same noise', "self.seen += n", "self.seen += 0"),
    ('the level told is not the level in the image', "noise_images(x0, t, noise)\n        target", "noise_images(x0, (t + 1).clamp(max=self.schedule.T - 1), noise)\n        target"),
    ('ddpm: variance for standard deviation', "**2\n            x.add_(noise(), alpha=var**0.5)", "**2\n            x.add_(noise(), alpha=var)"),
    ('ddpm: large variance without its square', "(schedule.level(t)[1]/schedule.level(s)[1])**2", "(schedule.level(t)[1]/schedule.level(s)[1])"),
    ('ddim: eta not squared', "var = eta**2*schedule", "var = eta*schedule"),
    ('ddim: noise added, none taken away', "keep = max(b_s**2 - var, 0.)**0.5/b_t", "keep = b_s/b_t"),
    ('euler_ancestral: ratio not squared', "(1 - ratio**2)**0.5", "(1 - ratio)**0.5"),
    ('heun: only half corrected', "eps + eps_end, alpha=(b_s - b_t)/2", "eps, alpha=b_s - b_t"),
    ('heun: second answer at the wrong level', "x0_end = denoise(end, s)", "x0_end = denoise(end, t)"),
    ('heun: churn adds the wrong noise', "b_up**2 - (a_up/a*b)**2", "b_up**2 - b**2"),
    ('dpmpp: ratio of steps upside down', "*h/(2*h_before)    #", "*h_before/(2*h)    #"),
    ('dpmpp: wrong sign', "x0 + (x0 - before)*h", "x0 - (x0 - before)*h"),
    ('dpmpp sde: decay forgotten', "b_s/b_t*math.exp(-h)*x", "b_s/b_t*x"),
    ('dpmpp sde: half of the exponent', "alpha=b_s*(-math.expm1(-2*h))**0.5", "alpha=b_s*(-math.expm1(-h))**0.5"),
    ('unipc: answer before on the wrong side', "r = -steps[-2][2]/h", "r = steps[-2][2]/h"),
    ('unipc: factor of the second integral', "i2 = 1 - 2*i1/h", "i2 = 1 - i1/h"),
    ('unipc: never corrected', "if steps and steps[-1][2] < math.inf: x =", "if steps and steps[-1][2] < 0: x ="),
    ('karras spacing: even in σ', "start, steps, rho=7, top=80)", "start, steps, rho=1, top=80)"),
    ('guidance: swapped', "out = uncond + cfg_scale*(cond - uncond)", "out = cond + cfg_scale*(uncond - cond)"),
    ('guidance: labels of the pair swapped', "_ask_all(self.model, x_t, t, [y, none])", "_ask_all(self.model, x_t, t, [none, y])"),
    ('rescale: upside down', "self.rescale*std(cond)/std(out)", "self.rescale*std(out)/std(cond)"),
    ('interval: or for and', "(self.interval[0] < sigma) & (sigma", "(self.interval[0] < sigma) | (sigma"),
    ('thresholding: images that fit are stretched', ".clamp(min=1).to(x.dtype)", ".to(x.dtype)"),
    ('start: noise of the wrong size', "_check_shape(shape, t_start)\n        x_T = schedule.level(timesteps[0])[1]*draw()", "_check_shape(shape, t_start)\n        x_T = draw()"),
    ('encode: noise not rescaled', "(b_t/b_s*x).add_(denoise(x, s), alpha=a_t - b_t/b_s*a_s)", "x.add(denoise(x, s), alpha=a_t - a_s)"),
    ('slerp: length of one end', "((1 - share)*la + share*lb)", "la"),
    # what is only seen where a parameter is not at its default, and more than one probe or class is used
    ('repr: half of the log-SNR', 'log-SNR {self.log_snr[0]:.1f}', 'log-SNR {self.log_snr[0]/2:.1f}'),
    ('to: noise table stays', 'signal=self.signal.to(device), noise=self.noise.to(device))', 'signal=self.signal.to(device))'),
    ('linear: beta_end ignored', 'torch.linspace(beta_start*scale, beta_end*scale, noise_steps', 'torch.linspace(beta_start*scale, .02*scale, noise_steps'),
    ('linear: config forgets beta_end', "_config('linear', noise_steps, beta_start=beta_start, beta_end=beta_end)", "_config('linear', noise_steps, beta_start=beta_start)"),
    ('scaled: beta_start ignored', 'torch.linspace(beta_start**0.5, beta_end**0.5,', 'torch.linspace(0.00085**0.5, beta_end**0.5,'),
    ('scaled: not rescaled', '.square()*1000/noise_steps', '.square()'),
    ('scaled: config forgets', "_config('scaled_linear', noise_steps, beta_start=beta_start, beta_end=beta_end)", "_config('scaled_linear', noise_steps)"),
    ('sigmoid: start ignored', '(((o*(end - start) + start)/tau).sigmoid()', '(((o*(end + 3) - 3)/tau).sigmoid()'),
    ('sigmoid: config forgets tau', 'start=start, end=end, tau=tau))', 'start=start, end=end))'),
    ('log_linear: sigma_min ignored', 'torch.linspace(math.log(sigma_min), math.log(sigma_max), noise_steps', 'torch.linspace(math.log(0.01), math.log(sigma_max), noise_steps'),
    ('log_linear: config forgets', "_config('log_linear', noise_steps, sigma_min=sigma_min, sigma_max=sigma_max))", "_config('log_linear', noise_steps))"),
    ('karras: rho ignored', 'sigmas = torch.linspace(sigma_min**(1/rho), sigma_max**(1/rho), noise_steps, dtype=torch.float64)**rho', 'rho_ = 7; sigmas = torch.linspace(sigma_min**(1/rho_), sigma_max**(1/rho_), noise_steps, dtype=torch.float64)**rho_'),
    ('karras: sigma_max ignored', 'sigma_max**(1/rho), noise_steps', '80.**(1/rho), noise_steps'),
    ('karras: config forgets rho', 'sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)', 'sigma_min=sigma_min, sigma_max=sigma_max)'),
    ('zero snr: T 1 not refused', 'if schedule.T < 2 or not', 'if not'),
    ('rates: bool t is 1', 'isinstance(t, int) and not isinstance(t, bool) and 0 <= t < self.T: return self.level(t)', 'isinstance(t, int) and 0 <= t < self.T: return self.level(t)'),
    ('rates: bool tensor allowed', 'or t.is_complex() or t.dtype == torch.bool', 'or t.is_complex()'),
    ('level: -2 allowed', "if not -1 <= t < self.T: raise ValueError(f't must be in [-1,", "if not -self.T - 1 <= t < self.T: raise ValueError(f't must be in [-1,"),
    ('noise_images: generator ignored', 'device=x0.device, generator=generator)', 'device=x0.device)'),
    ('noise_images: one noise for the batch', 'noise = torch.randn(x0.shape, dtype=x0.dtype, device=x0.device, generator=generator)', 'noise = torch.randn(x0.shape[1:], dtype=x0.dtype, device=x0.device, generator=generator).expand(x0.shape)'),
    ('logit-normal: mean sign', '.logit() - mean)/std)', '.logit() + mean)/std)'),
    ('logit-normal: std ignored', '.logit() - mean)/std)', '.logit() - mean))'),
    ('logit-normal: std upside down', '.logit() - mean)/std)', '.logit() - mean)*std)'),
    ('sample_timesteps: generator ignored (even)', 'torch.randint(0, self.T, (n,), generator=generator, device=device)', 'torch.randint(0, self.T, (n,), device=device)'),
    ('sample_timesteps: generator ignored (probs)', 'torch.multinomial(probs, n, replacement=True, generator=generator)', 'torch.multinomial(probs, n, replacement=True)'),
    ('p2: k ignored', '(k + snr)**-gamma', '(1 + snr)**-gamma'),
    ('p2: gamma ignored', '(k + snr)**-gamma', '(k + snr)**-1'),
    ('edm weighting: sigma_data ignored', '1 + 1/(snr*sigma_data**2))', '1 + 1/(snr*0.25))'),
    ('randn: items share successive draws', 'for row, g in zip(out.unbind(), self.generators): row.normal_(generator=g)', 'for row, g in zip(out.unbind(), self.generators): row.normal_(generator=torch.Generator().manual_seed(g.initial_seed()))'),
    ('item seed: seed high bits lost', 'return x ^ x >> 16 ^ z >> 32', 'return x ^ x >> 16'),
    ('sample: std for image shape', 'self.stds[k].float().view(-1, *[1]*len(self.shape))', 'self.stds.mean().float()'),
    ('sample: generator of noise ignored', 'noise = torch.randn(n, *self.shape, generator=generator)', 'noise = torch.randn(n, *self.shape)'),
    ('gaussian: image shape', '(mean + (z*a*lam/var) @ axes.T).view(x_t.shape)', '(mean + (z*a*lam/var) @ axes.T)'),
    ('num_classes one short', 'int(self.labels.max()) + 1', 'int(self.labels.max())'),
    ('exact model ignores y', 'self.data.expected_x0(x, a, b, y)', 'self.data.expected_x0(x, a, b)'),
    ('list of names: cut ones not counted', 'and {len(names) - n} more', 'and {len(names)} more'),
    ('heads: always one', 'self.heads = max(1, channels//head_dim)\n        if channels', 'self.heads = 1\n        if channels'),
    ('config forgets attention', 'attention_at=list(attention_at), blocks=blocks)', 'blocks=blocks)'),
    ('ramp cap lost', 'return min(self.beta, (1 + n)/(10 + n)) if self.ramp', 'return (1 + n)/(10 + n) if self.ramp'),
    ('copy resets not buffers', "for avg, live in sum(tensors, [])", "for avg, live in tensors[0]"),
    ('trailing: not rounded', '(2*n*(steps - i) + steps)//(2*steps) - 1', '(2*n*(steps - i))//(2*steps) - 1'),
    ('heun: gamma cap', '2**0.5 - 1)\n    for', '1e9)\n    for'),
    ('level loss: part off', 'part = (self.xb[1].cpu()*self.n)//self.learn.ddpm.schedule.T', 'part = ((self.xb[1].cpu()+1).clamp(max=self.learn.ddpm.schedule.T-1)*self.n)//self.learn.ddpm.schedule.T'),
    ('level loss: names', 'return [-(-i*T//n) for i in range(n)]', 'return [i*(T//n) for i in range(n)]'),
    ('level loss: names swapped', "zip(('valid', 'ema'), self.total", "zip(('ema', 'valid'), self.total"),
    ('plot: first and last swapped', "(noted[0], 'valid', 'first epoch', ':'), (noted[-1], 'valid', 'last epoch', '-')", "(noted[-1], 'valid', 'first epoch', ':'), (noted[0], 'valid', 'last epoch', '-')"),
    ('plot_losses: column off', 'else float(v[i]) for v in', 'else float(v[0]) for v in'),
    ('plot_losses: epochs from 0', 'range(1, len(losses) + 1)', 'range(len(losses))'),
    ('LossPlot: never reset', 'if self.epoch == 0: self.handle = None', 'pass'),
    ('show_results: rows swapped', 'torch.cat([x[:n].cpu(), fake.cpu()])', 'torch.cat([fake.cpu(), x[:n].cpu()])'),
    ('show_results: labels not those', 'y = each_part(lambda o: o[:n], y[0])', 'y = each_part(lambda o: o[-n:], y[0])'),
    ('show_results: cfg ignored', 'cfg_scale=1. if y is None else cfg_scale', 'cfg_scale=1.'),
    ('show_results: seed ignored', '                       generator=torch.Generator().manual_seed(seed))', '                       generator=torch.Generator().manual_seed(0))'),
    ('show_results: steps ignored', 'steps=min(steps, self.ddpm.schedule.T)', 'steps=min(25, self.ddpm.schedule.T)'),
    ('Hutchinson: summed, not averaged', 'for e in signs)/len(signs)', 'for e in signs)'),
    ('Hutchinson: only the first probe', 'for e in signs)/len(signs)', 'for e in signs[:1])'),
    ('likelihood: all probes the same', 'noise.randn(x0.shape[1:], denoise.device).sign().double() for _ in range(probes)]', 'noise.randn(x0.shape[1:], denoise.device).sign().double()]*probes'),
    ('likelihood: probes ignored', '.sign().double() for _ in range(probes)]', '.sign().double() for _ in range(1)]'),
    ('likelihood: generator ignored', "noise = ItemNoise(seed_from(generator), range(len(x0)))\n        signs", "noise = ItemNoise(seed_from(None), range(len(x0)))\n        signs"),
    ('likelihood: labels ignored', '_unclipped(denoiser, labels, 1., len(x0)), None', '_unclipped(denoiser, None, 1., len(x0)), None'),
    ('likelihood: method ignored', 'rtol, atol, method, rate)\n    prior', "rtol, atol, 'RK45', rate)\n    prior"),
    ('likelihood: rtol for atol', 'rtol, atol, method, rate)\n    prior', 'rtol, rtol, method, rate)\n    prior'),
    ('bits: default bin', 'bin=2/255', 'bin=2/256'),
    ('reverse: wrong between SDE and ODE', 'self.drift(x, t) - (1 + randomness)/2*', 'self.drift(x, t) - (0.5 + randomness**2/2)*'),
    ('reverse: randomness root', 'return randomness**0.5*self.diffusion(t)', 'return randomness*self.diffusion(t)'),
    ('VP: beta_min ignored', 'return self.beta_min + t*(self.beta_max - self.beta_min)', 'return 0.1 + t*(self.beta_max - 0.1)'),
    ('VP: integral beta_max', 'self.beta_min*t + t*t*(self.beta_max - self.beta_min)/2', '0.1*t + t*t*(20. - 0.1)/2'),
    ('VP: beta_max ignored', 'self.beta_min, self.beta_max = beta_min, beta_max', 'self.beta_min, self.beta_max = beta_min, 20.'),
    ('VE: sigma_max ignored', 'math.log(sigma_max/sigma_min)', 'math.log(50./sigma_min)'),
    ('VE: sigma_min ignored', 'self.sigma_min, self.growth = sigma_min,', 'self.sigma_min, self.growth = 0.01,'),
    ('Langevin: a forgotten', 'delta/2*(a*denoise(x, t) - x)', 'delta/2*(denoise(x, t) - x)'),
    ('decode: cfg ignored', '_unclipped(denoiser, labels, cfg_scale, len(latents))', '_unclipped(denoiser, labels, 1., len(latents))'),
    ('decode: labels ignored', '_unclipped(denoiser, labels, cfg_scale, len(latents))', '_unclipped(denoiser, None, cfg_scale, len(latents))'),
    ('exactly: clips', 'ContinuousSchedule(denoiser.schedule), None, None', 'ContinuousSchedule(denoiser.schedule), denoiser.clip, None'),
    ('answer: float64 net', 'x_in = x.to(weights[0].dtype) if weights else x', 'x_in = x.float() if weights else x'),
    ('edm_schedule: mean ignored', 'sigma = (mean + std*torch', 'sigma = (-1.2 + std*torch'),
    ('edm_schedule: std ignored', 'sigma = (mean + std*torch', 'sigma = (mean + 1.2*torch'),
    ('edm_schedule: sigma_data ignored', '(sigma**2 + sigma_data**2)**-0.5', '(sigma**2 + 0.25)**-0.5'),
    ('everybody decides for himself', "    if num_distrib() < 2: return f()\n", "    return f()\n"),
    ('the first one goes with the others', "    if rank_distrib(): dist.barrier()\n    yield\n    if num_distrib() > 1 and not rank_distrib(): dist.barrier()", "    yield"),
    ('table: an unknown name passes', 'if isinstance(choice, str) and choice in self: return', 'return'),
    ('table: names with a bar break the page', ".replace('|', '\\\\|')", ''),
    ('spell_out: one name only', "return text.replace(f'`{self.name}`', ', '.join(self))", "return text.replace(f'`{self.name}`', next(iter(self)))"),
    ('sigmas: upside down', 'return self._noise[:-1]/self._signal[:-1]', 'return self._signal[:-1]/self._noise[:-1]'),
    ('tables: the clean level left in', 'return self._signal[:-1], self._noise[:-1]', 'return self._signal, self._noise'),
    ('condition: a silent network takes none', "n = getattr(model, 'num_classes', 0)", "n = getattr(model, 'num_classes', None)"),
    ('classes: -2 let through', 'or not ((y < -1) | (y >= self.num_classes)).any(): return y', 'or not (y >= self.num_classes).any(): return y'),
    ('condition: wrappers not looked through', "    model = bare_network(model)\n    if hasattr(model, 'condition')", "    if hasattr(model, 'condition')"),
    ('missing: one missing value is enough', 'return unknown(y).reshape(len(y), -1).all(1)', 'return unknown(y).reshape(len(y), -1).any(1)'),
    ('missing: one part is enough', 'torch.stack([missing(o) for o in y.values()]).all(0)', 'torch.stack([missing(o) for o in y.values()]).any(0)'),
    ('drop: floats become -1', 'math.nan if y.is_floating_point() else -1)', '-1)'),
    ('drop: parts not named are dropped too', 'drop(o, each[k]) if k in each else o for', 'drop(o, each[k] if k in each else next(iter(each.values()))) for'),
    ('numbers: cast to integers', "        y = _check_tensor(y, n, name)\n        if not y.is_floating_point():\n            raise TypeError(f'{name} must be floats, NaN where one is missing", "        y = _check_tensor(y, n, name).long().float()\n        if not y.is_floating_point():\n            raise TypeError(f'{name} must be floats, NaN where one is missing"),
    ('numbers: outside the range accepted', 'if not ((y < low - slack) | (y > high + slack)).any(): return y', 'return y'),
    ('numbers: a missing one is not nothing', '(features*known[..., None])', '(features*1)'),
    ('numbers: NaN reaches the features', 'y.nan_to_num() - self.middle', 'y - self.middle'),
    ('labels: not known is 0', 'torch.cat([y, 1 - y], 1).nan_to_num()', 'torch.cat([y.nan_to_num(), 1 - y.nan_to_num()], 1)'),
    ('tokens: missing ones count in the mean', 'each.sum(1)/present.sum(1, keepdim=True).clamp(min=1)), each, present)', 'each.sum(1)/len(present[0])), each, present)'),
    ('known: the mask upside down', '(~y.isnan()).to(y.dtype)', 'y.isnan().to(y.dtype)'),
    ('tokens: rows without any are not left alone', '.masked_fill(~some.view(-1, 1, 1, 1), 0)', ''),
    ('tokens: missing ones are looked at', 'mask = (present | ~some[:, None])[:, None, None]', 'mask = torch.ones_like(present)[:, None, None]'),
    ('known: channels of nothing are ones', 'told = x_t.new_zeros(len(x_t), width', 'told = x_t.new_ones(len(x_t), width'),
    ('training: parts never dropped on their own', 'if len(parts) > 1: y = drop(y, {k: some(self.p_uncond) for k in parts})', ''),
    ('training: conditions never dropped together', 'if y is not None: y = drop(y, some(self.p_uncond))', ''),
    ('compose: parts without a scale are dropped', '{k: every for k in scales if k != told})', '{k: every for k in y if k != told})'),
    ('compose: a part of scale 1 beside others asked alone', 'if list(asked.values()) == [1]:', 'if 1 in asked.values():'),
    ('compose: the base counts for every part', 's*(o - base) for s, o in', 's*o for s, o in'),
    ('denoiser: rows are clipped', 'return (-1, 1) if len(shape) > 2 else None', 'return (-1, 1)'),
    ('pick_sampler: functions refused', 'f = sampler if callable(sampler) else samplers[sampler]', 'f = samplers[sampler]'),
    ('pick_sampler: options of None passed on', 'options = {k: v for k, v in options.items() if v is not None}', 'options = dict(options)'),
    ('pick_sampler: anything is a sampler', 'try: inspect.signature(f).bind(*range(5))', 'try: inspect.signature(f)'),
    ('churn: levels ignored', 'if not levels[0] <= sigmas[t] <= levels[1] or sigmas[t].isinf(): return t, x', 'if sigmas[t].isinf(): return t, x'),
    ('churn: no check of its levels', 'if len(levels) != 2 or not 0 <= levels[0] <= levels[1]:', 'if False:'),
    ('default network: small images get the width of large ones', '(32, 64, 128)[:2 + (side > 8)], 1', '(32, 64, 128)[:3], 1'),
    ('post-hoc: a time of 0 let through', 'if times.min() <= 0:', 'if False:'),
    ('reference: shapes not compared', 'if known and k in sd and shapes[k] != tuple(sd[k].shape)]', 'if False]'),
    ('runs: rng after skipped batches', "            if i + 1 == begun['pos']: set_rng_state(begun['rng'], self.dls)", '            pass'),
    ('runs: rng of the epoch', "    if begun['pos']: set_rng_state(begun['rng_epoch'], self.dls)\n", ''),
    ('runs: smooth loss', "    vars(r.smooth_loss).update(saved['smooth'])\n", ''),
    ('runs: pct_train', 'self.pct_train += 1./(self.n_iter*self.n_epoch)', 'pass'),
    ('runs: optimizer state', "    learn.opt.load_state_dict(state['opt'])\n", ''),
    ('runs: ema', "    if state['ema'] is not None: learn.ema.load_state_dict(state['ema'])\n", ''),
    ('runs: waiting grads', 'waiting=any(p.grad is not None', 'waiting=any(False'),
    ('runs: count', "    if state.get('count'): self.gradient_accumulation.count = state['count']\n", ''),
    ('runs: skipped', "self.skipped_steps != h['lost']", 'False'),
    ('runs: buffers', 'self._buffers != _buffer_versions(self.model)', 'False'),
    ('runs: whole', "keep=int(run['whole'])", 'keep=1'),
    ('runs: never keep', "keep=int(run['whole'])", 'keep=0'),
    ('runs: delay interrupt', 'with _delay_interrupt(): self', 'if True: self'),
    ('runs: owner at start', '        _check_owner(self.learn, self.path)      ', '        pass #'),
    ('runs: rng of validation', "    if begun and begun['pos'] == len(self.dls.train): set_rng_state(begun['rng'], self.dls)", '    pass #'),
    ('runs: earlier', "state.get('earlier') or DDPMLearner.earlier", 'DDPMLearner.earlier'),
    ('runs: notes', "[dict(o) for o in state.get('notes', ())]", '[]'),
    ('runs: norms', "    if hasattr(self, 'nan_guard'): self.nan_guard.norms.extend(map(float, state.get('norms', ())))\n", ''),
    ('runs: ended', 'if counted and ended and not recorded', 'if False'),
    ('runs: moved in backward', "    if self._fitting and self.history['waiting']: self._moved = True", '    pass #'),
    ('runs: torn step', 'def _step(self:DDPMLearner): self._moved = True; ', 'def _step(self:DDPMLearner): '),
    ('runs: rng at epoch', "    else: set_rng_state(state['rng'], self.dls)\n", ''),
    ('runs: history rng', "    self.history['rng'] = state['rng']\n", ''),
    ('runs: no lock', '        self.folder_lock = lock_folder(self.path)\n', ''),
    ('runs: tmp left', "        for f in self.path.glob('.*.tmp'): f.unlink()", '        pass #'),
    ('runs: signals kept', '    for s, handler in (self.handlers or {}).items(): signal.signal(s, handler)\n', ''),
    ('runs: SIG_IGN', '        if signal.getsignal(s) != signal.SIG_IGN: self', '        if True: self'),
    ('runs: save at early end', '        if self.training_epoch: self.save(last=True) ', '        pass #'),
    ('runs: disk error raises', '        if last: raise\n', '        raise\n'),
    ('runs: plan', "    if differ := _differences(state.get('plan') or {}, learn.plan):", '    if False:'),
    ('runs: sizes', "k: r[k][:n[k]] for k in ('values'", "k: r[k] for k in ('values'"),
    ('runs: second fit', '        if self.history is not None: self.earlier = _past(self.history)\n', ''),
    ('run folder: weights: hash not checked', "if meta.get('sha256', weights_hash(weights)) == weights_hash(weights): return weights", 'if True: return weights'),
    ('run folder: weights: metadata in any order', "header['__metadata__'] = dict(sorted(header['__metadata__'].items()))", "header['__metadata__'] = header['__metadata__']"),
    ('run folder: state: checksum not compared', 'elif hashlib.sha256(body).digest() != digest:', 'elif False:'),
    ('run folder: network built before its shapes are compared', "with torch.device('meta'): want", "with torch.device('cpu'): want"),
    ('run folder: folder written through links', "    path = Path(path)\n    check_run_folder(path)\n    path.mkdir(parents=True, exist_ok=True)\n    write_atomic(path/'config.json'", "    path = Path(path)\n    path.mkdir(parents=True, exist_ok=True)\n    write_atomic(path/'config.json'"),
    ('run folder: config: booleans and 8.0 are whole numbers', "dict(type='integer', minimum=low", "dict(type=['integer', 'boolean'], minimum=low"),
    ('run folder: config: any number of blocks', 'blocks=_whole(1, 64)', 'blocks=_whole(1, 10**12)'),
    ('run folder: config: control characters', "_text = dict(type='string', pattern=_PRINTABLE)", "_text = dict(type='string')"),
    ('run folder: config: unknown keys of any name', 'additionalProperties=False', 'additionalProperties=True'),
    ('run folder: data: fingerprint not compared', "key = 'fingerprint' if old.get('fingerprint') and new['fingerprint'] else 'train'", "key = 'train'"),
    ('run folder: average of a run before left in the folder', "else: (path/'ema.safetensors').unlink(missing_ok=True)", 'else: pass'),
    ('run folder: damaged state taken for whole', 'return state, not errors', 'return state, True'),
    ('images: if x.isnan().any(): raise', 'if x.isnan().any(): raise', 'if False: raise'),
    ('images: if name in Image.SAVE: return name', 'if name in Image.SAVE: return name', 'return name'),
    ('images: return to_model_range(x) if x.dtype == t', 'return to_model_range(x) if x.dtype == torch.uint8 else x', 'return to_model_range(x.byte())'),
    ('images: for top in range(0, im.height, rows)]', 'for top in range(0, im.height, rows)]', 'for top in range(0, im.height - rows, rows)]'),
    ('images: ImageOps.exif_transpose(im, in_place=Tru', 'ImageOps.exif_transpose(im, in_place=True)', 'pass'),
    ('images: if im.width*im.height <= MAX_PIXELS: ret', 'if im.width*im.height <= MAX_PIXELS: return im', 'return im'),
    ('images: formats=_formats()', 'formats=_formats()', 'formats=None'),
    ('images: 0 <= o <= 255 for o in numbers', '0 <= o <= 255 for o in numbers', 'o <= 999 for o in numbers'),
    ('data: return self.high - self.low < 2*SMALL_RA', 'return self.high - self.low < 2*SMALL_RANGE', 'return self.high - self.low < 3*SMALL_RANGE'),
    ('data: for q in (0.001, 0.999)', 'for q in (0.001, 0.999)', 'for q in (0., 1.)'),
    ('data: drop_last=len(train) >= bs', 'drop_last=len(train) >= bs', 'drop_last=False'),
    ('data: if self.pixels.nbytes > KEEP_MB*2**20: r', 'if self.pixels.nbytes > KEEP_MB*2**20: return self', 'pass'),
    ('data: sorted(vocab, key=int)', 'sorted(vocab, key=int)', 'sorted(vocab)'),
    ('data: stratify=y)', 'stratify=y)', 'stratify=None)'),
    ('data: if levels is None: levels = grey_levels(', "if levels is None and train.kind == 'images': levels = grey_levels(train.pixels, valid.pixels)", 'levels = None'),
    ('datasets: groups=family))', 'groups=family))', 'groups=np.arange(len(family))))'),
    ('datasets: keep = _looks_like_letters(x)', 'keep = _looks_like_letters(x)', 'keep = np.ones(len(x), bool)'),
    ('datasets: if o in known}', 'if o in known}', '}'),
    ('datasets: len({*train, *valid})', 'len({*train, *valid})', 'len({*train}) - len({*valid})'),
    ('datasets: for o in arrays: digest.update(o.tobytes', 'for o in arrays: digest.update(o.tobytes())', 'pass'),
    ('datasets: header = settings | dict(', 'header = settings | dict(', 'header = dict('),
    ('datasets: dls.used.is_small()', 'dls.used.is_small()', 'False'),
    ('image files: if min(im.size) < MIN_SIDE:', 'if min(im.size) < MIN_SIDE:', 'if False:'),
    ('image files: j %= len(self)', 'j %= len(self)', 'pass'),
    ('image files: if self.flip and self._mirrored[i]', 'if self.flip and self._mirrored[i]', 'if self._mirrored[i]'),
    ('image files: chosen.digests = self.digests[rows]', 'chosen.digests = self.digests[rows]', 'pass'),
    ('image files: self.flip if flip is None else flip', 'self.flip if flip is None else flip', 'self.flip'),
    ('image files: self.free -= n', 'self.free -= n', 'pass'),
    ('image files: return (x,) if self.y is None else (x, s', '(x, each_part(lambda o: o[j], self.y))', '(x, each_part(lambda o: o[i], self.y))'),
    ('image files: digest.update(im.crop(box).tobytes())', 'digest.update(im.crop(box).tobytes())', 'digest.update(im.crop(box).resize((2, 2)).tobytes())'),
    ('folders: if labels else (None, None)', 'folder_labels(path, files, runs, skip_bad) if labels else (None, None)', 'folder_labels(path, files, runs, skip_bad)'),
    ('folders: <= self.keep_mb*2**20', '<= self.keep_mb*2**20', '< self.keep_mb*2**20'),
    ('folders: images.subset(valid, flip=False)', 'images.subset(valid, flip=False)', 'images.subset(valid)'),
    ('folders: dls.shared = {dls.valid_ds.files[v]: dls', 'dls.shared = {dls.valid_ds.files[v]: dls.train_ds.files[t]', 'dls.shared = {dls.valid_ds.files[v]: dls.train_ds.files[t-1]'),
    ('folders: images.digests = digest_rows([o.digest f', 'images.digests = digest_rows([o.digest for o in read])', 'pass'),
    ('folders: if self.channels not in (1, 3):', 'if self.channels not in (1, 3):', 'if False:'),
    ('folders: images, read, place = images.subset(good', 'images, read, place = images.subset(good), [read[i] for i in good], printable(path)', 'images, place = images.subset(good), printable(path)'),
    ('folders: 0 if keep else options.num_workers', '0 if keep else options.num_workers', '0'),
    ('folders: if real in seen or folder != path and _i', 'if real in seen or folder != path and _is_run(folder):', 'if real in seen:'),
    ('folders: if _are_parts(vocab):', '    if _are_parts(names):', '    if False:'),
    ('folders: if not Path(os.path.abspath(file)).is_re', 'if not Path(os.path.abspath(file)).is_relative_to(top):', 'if False:'),
    ('audit: connected_components(graph, directed=Fal', 'connected_components(graph, directed=False)', "connected_components(graph, directed=True, connection='strong')"),
    ('audit: return group_numbers(len(hashes), same),', 'return group_numbers(len(hashes), same), group_numbers(len(hashes), same + alike)', 'return group_numbers(len(hashes), same), group_numbers(len(hashes), alike)'),
    ('audit: if similar: repeats |=', 'if similar: repeats |=', 'if True: repeats |='),
    ('audit: _without_floats(open_image(source, backg', '_without_floats(open_image(source, background))', 'open_image(source, background)'),
    ("audit: 'EXIF rotation', 'several frames', 'no i", "'EXIF rotation', 'several frames', 'no image ending'", "'several frames', 'no image ending'"),
    ('audit: while str(new).lower() in used', 'while str(new).lower() in used', 'while str(new) in used'),
    ("audit: shown |= {f: f'{column} {group}' for f i", "shown |= {f: f'{column} {group}' for f in some.file[:3] if f not in shown}", "shown |= {f: f'{column} {group}' for f in some.file[:3]}"),
    ('audit: _check_new_folder(path, to)', '_check_new_folder(path, to)\n', 'pass\n'),
    ('program: lowest label is refused', '_within(y, -1, self.classes + 1)', '_within(y, 0, self.classes)'),
    ('comparison: "no label" is never asked', 'if labels: labels[0][0] = -1', 'pass'),
    ('comparison: mean for the largest difference', 'apart, size = torch.stack(apart).max().item()', 'apart, size = torch.stack(apart).mean().item()'),
    ('check_program: pickled weights pass', "if v.get('use_pickle') or not re", 'if not re'),
    ('check_program: filled example inputs pass', " or ('/sample_inputs/' in o.filename and o.file_size)", ''),
    ('tables: p and q swapped', 'noise=b.tolist(), p=p.tolist(), q=q.tolist()', 'noise=b.tolist(), p=q.tolist(), q=p.tolist()'),
    ('diffusers: "no label" is the last class', 'torch.cat([table, torch.zeros_like(table[:1])])', 'torch.cat([table, table[-1:]])'),
    ('diffusers: query and key swapped', "for name, part in zip('qkv', mine", "for name, part in zip('kqv', mine"),
    ('diffusers: any schedule is taken', 'if not torch.allclose(a**2 + b**2', 'if False and not torch.allclose(a**2 + b**2'),
    ('diffusers: prediction of the noise whatever the network predicts', 'prediction_type=names[prediction]', "prediction_type='epsilon'"),
    ('card: HTML stays HTML', ".replace('<', '&lt;')", ''),
    ('card: numbers that are no numbers', 'isinstance(o, (int, float)) and not isinstance(o, bool) and math.isfinite(o)', 'isinstance(o, (int, float))'),
    ('card: an alarm is not told', "': **ALARM**' if o['alarm'] else ''", "''"),
    ('card: classes of the data, not of the network', "(len(names) if names else None) if args is None else args.get('num_classes')", 'len(names) if names else None'),
    ('card: private path of the data', "('name', last_name(settings.get('data', 'not recorded')))", "('name', settings.get('data', 'not recorded'))"),
    ('export: raw weights in place of the average', "config, net = load_network(run, weights, model)\n    name", "config, net = load_network(run, 'model', model)\n    name"),
    ('export: not compared with the original', "if check['difference'] <= 1e-4*check['answer']: return check", 'return check'),
    ('export: paths in the settings', 'last_name(v) if isinstance(v, str) else v for k, v', 'v for k, v'),
    ('export: a program without trust', 'if not trust: raise ValueError(_TRUST', 'if False: raise ValueError(_TRUST'),
    ('export: a run folder can be uploaded', '    _read_export(folder)\n    from huggingface_hub', '    from huggingface_hub'),
    ('export command: uploads are public', 'private=not public', 'private=public'),
    ('export command: raw and averaged swapped', 'export_run(run, to, out, weights)', 'export_run(run, to, out)'),
    ('settings: labels stay with --num_classes 0', "_kind(s['data']), s['num_classes'] != 0", "_kind(s['data']), True"),
    ('settings: height and width swapped', 'int(h) if w is None else (int(h), int(w))', 'int(h) if w is None else (int(w), int(h))'),
    ('settings: an option that means nothing is ignored', 'if kind in kinds or s[name] in (defaults[name], _OWN_SIZE.get(kind)): continue', 'continue'),
    ('settings: a run is overwritten', "if (path/'config.json').exists(): _refuse_folder(path)", 'pass'),
    ('settings: moved data are looked for in the old place', 'return absolute_places(settings | given)', 'return absolute_places(settings)'),
    ('settings: weight decay is forgotten', "'prediction', 'lr', 'ema', 'wd', 'clip'", "'prediction', 'lr', 'ema', 'clip'"),
    ('settings: fine-tuning needs the older run to resume', 'if run is not None: return ddpm_learner(dls, *_saved(run), **own)', 'pass'),
    ('settings: schedule of the older run is not taken', "schedule=config['schedule']['name'], noise_steps", "schedule='linear', noise_steps"),
    ('pictures: an image has the noise of its batch', 'ItemNoise(seed_from(torch.Generator().manual_seed(w.seed)), rows)', 'ItemNoise(seed_from(torch.Generator().manual_seed(w.seed)), range(len(rows)))'),
    ('pictures: the seed does not count', 'seed_from(torch.Generator().manual_seed(w.seed))', 'seed_from(torch.Generator().manual_seed(0))'),
    ('pictures: a name that is a number means the position', 'numbers = by_name if any(o.isdigit() for o in classes) else', 'numbers ='),
    ('pictures: a folder of other weights goes on', 'if old.get(k) != v]\n        if not differ', "if old.get(k) != v and k != 'weights']\n        if not differ"),
    ('pictures: the last image is left out', 'range(i, min(i + size, self.n))', 'range(i, min(i + size, self.n - 1))'),
    ('cli: seconds of the first part are lost', "round(old.get('seconds', 0.) + seconds, 1)", 'round(seconds, 1)'),
    ('cli: an evaluation is lost', 'new = old | found | dict(seconds', 'new = found | dict(seconds'),
    ('cli: another setting goes on as the same run', '    if changed: _refuse_changes(run, settings, changed)\n', ''),
    ('cli: a finished run is trained again', "if at and _is_finished(at, s['epochs'], path): return", 'pass'),
    ('cli: drawn with the average whatever was asked', 'device=device, weights=weights)\n', 'device=device)\n'),
    ('cli: guidance is not handed on to the evaluation', 'sampler=sampler, cfg_scale=guidance, seed=seed, quick=quick', 'sampler=sampler, cfg_scale=2., seed=seed, quick=quick'),
    ('record: hash without the shape', "hashlib.sha256(f'{tuple(x.shape)}'.encode() + to_uint8(x)", "hashlib.sha256(b'' + to_uint8(x)"),
    ('record: the mask is not part of the hash of an upload', '(pixel_hash(image) + mask).encode()', 'pixel_hash(image).encode()'),
    ('record: half a transaction stays', "if self.db.in_transaction: self.db.execute('rollback')", "if self.db.in_transaction: self.db.execute('commit')"),
    ('record: releases are forgotten', '_OLD = "from requests where kind != \'release\' and state != \'begun\'"', '_OLD = "from requests where state != \'begun\'"'),
    ('record: the newest requests are forgotten', "and time < ? order by id limit ?'", "and time < ? order by id desc limit ?'"),
    ('answers: the last piece of a batch is not filled up', '[0, self.rows - len(o)])', '[0, 0])'),
    ('answers: all requests get the first seed', '[torch.Generator().manual_seed(s) for s in seeds]', '[torch.Generator().manual_seed(seeds[0]) for s in seeds]'),
    ('answers: what was not to be filled in changes', 'return torch.where(fill, x, image)', 'return x'),
    ('answers: the first frame of a clip is not told', 'if first_frame is not None: known', 'if False: known'),
    ('answers: guidance forgets what is known of a clip', "return {k: cfg_scale for k in condition_field(denoiser) or {}} or 1.", 'return cfg_scale'),
    ('answers: other pixels are handed out as the old ones', 'if [pixel_hash(o) for o in x] != hashes: _refuse', 'if len(x) != len(hashes): _refuse'),
    ('monitor: repeated images count again', "new = [*{o['sha256']: o for o in images if", 'new = [*{i: o for i, o in enumerate(images) if'),
    ('monitor: drift without the spread', 'z = np.concatenate([z, abs(z) - abs(z).mean(0)], 1)', 'z = np.concatenate([z, z], 1)'),
    ('monitor: classes are mixed', 'then, now = old[old_y == c], new[new_y == c]', 'then, now = old, new'),
    ('monitor: other settings are compared, too', "and usual(o['settings']) == wanted", 'and True'),
    ('codes: decoded in batches of any size', '    if out.autoencoder is not None: out.decode = FixedBatch(denoiser.decode, rows)\n', ''),
    ('codes: the hash leaves the autoencoder out', 'if own is not None: weights = weights |', 'if False: weights = weights |'),
    ('codes: filled in as pixels', 'fills = not (frames or few or denoiser.autoencoder)', 'fills = not (frames or few)'),
    ('codes: the worker hands them out', 'made = self.denoiser.decode(torch.cat(xs)).split(', 'made = torch.cat(xs).split('),
    ('codes: shown while pictures are made', '[file_of(x) for x in worker.denoiser.decode(job.preview)]', '[file_of(x) for x in job.preview]'),
    ('codes: a report shows them', 'rows += [denoiser.decode(o).clamp(-1, 1) for', 'rows += [o.clamp(-1, 1) for'),
    ('codes: judged in place of pictures', "    ds = getattr(ds, 'pictures', ds)\n", ''),
    ('codes: pictures go to the loss as they are', 'torch.cat([d.encode(o.to(self.device)) for', 'torch.cat([o.to(self.device) for'),
    ('codes: other loaders pass', '    if codes == (denoiser.autoencoder is not None): return\n', '    return\n'),
    ('codes: the data of an evaluation are codes', "if hasattr(dls.train_ds, 'pictures') else dls)", 'if False else dls)'),
    ('codes: ddpm_evaluate passes pictures', "if s['latent']: dls = latents_dls", 'if False: dls = latents_dls'),
    ('codes: an exported decoder forgets the scale', 'return self.decoder(z*self.std + self.mean)', 'return self.decoder(z)'),
    ('codes: an exported decoder does not cut', 'self.decoder(z*self.std + self.mean).clamp(-1, 1)', 'self.decoder(z*self.std + self.mean)'),
    ('codes: an exported denoiser cuts them', 'clip_of(shape) if autoencoder is None else None', 'clip_of(shape)'),
    ('codes: an export without its autoencoder', "if own is not None: write_weights(folder/'autoencoder'", "if False: write_weights(folder/'autoencoder'"),
    ('codes: an exported decoder is not compared', 'if denoiser.autoencoder is None: return found', 'if True: return found'),
    ('codes: the program in a card cuts them', "kinds = to, 'codes' if in_codes else 'pixels'", "kinds = to, 'pixels'"),
    ('codes: an autoencoder is resumed with another batch size', "kl_weight=getattr(learn.loss_func, 'kl_weight', None), **common)", "kl_weight=getattr(learn.loss_func, 'kl_weight', None), **common | dict(batch_size=0))"),
    ('codes: an autoencoder is resumed with another weight', "autoencoder_config(model, kl_weight=getattr(learn.loss_func, 'kl_weight', None), ", 'autoencoder_config(model, '),
    ('codes: an autoencoder goes on in place of a diffusion model', "read_config(path, new.get('kind', 'diffusion'))", 'read_config(path, None)'),
    ('codes: ddpm_train begins an autoencoder anew', "    at = _resume(learn, path) if given['resume'] else None\n    if s['epochs'] is None: s['epochs'] = enough_epochs(len(dls.train), dls.one", "    at = None\n    if s['epochs'] is None: s['epochs'] = enough_epochs(len(dls.train), dls.one"),
    ('restore: the wrong reason for filling nothing in', "'it draws clips' if len(d.shape) == 4 else 'it draws codes'", "'it draws codes' if len(d.shape) == 4 else 'it draws clips'"),
    ('requests: NaN is taken', 'json.loads(data.decode(), parse_constant=constant)', 'json.loads(data.decode())'),
    ('requests: classes do not take turns', 'return [classes[i % len(classes)] if classes else -1 for i in range(n)]', 'return [classes[0] if classes else -1 for i in range(n)]'),
    ('requests: dark is filled in', "'mask', shape, 'black', 'L')[0] > 127", "'mask', shape, 'black', 'L')[0] < 127"),
    ('requests: the first frame of a clip is not read', "return None if sent is None else _tensor(sent,", "return None if True else _tensor(sent,"),
    ('requests: a picture is decoded before its size is known', 'if found in (size, size[::-1]):', 'if True:'),
    ('worker: clients do not take turns', 'first = min(self.queue, key=lambda o: self.served.get(o.client, 0))', 'first = self.queue[0]'),
    ('worker: images that are not on record are handed out', "job.end = Outcome(o.id, 'unwritten' if unwritten else state, None,", 'job.end = Outcome(o.id, o.state, o.images,'),
    ('worker: a batch without clients goes on', 'if all(o.gone for o in jobs): raise Gone', 'if False: raise Gone'),
    ('worker: the folder stays locked', 'self.record.close()\n    self.folder_lock.release()', 'self.record.close()'),
    ('page: two doctypes', "return to_xml(Html(head, body, lang='en'))", "return '<!doctype html>' + to_xml(Html(head, body, lang='en'))"),
    ('page: the seed must be given', "dict(placeholder='new') if k == 'seed' else dict(required=True)", 'dict(required=True)'),
    ('connections: half a body may wait for ever', 'if self._progress() == 1: self.transport.abort()', 'pass'),
    ('connections: one address takes all the room', '((neighbours, most//2), (everybody, most))', '((neighbours, most), (everybody, most))'),
    ('connections: a served one is closed to make room', 'key=lambda o: (o._progress(), o.age)).transport', 'key=lambda o: -o._progress()).transport'),
    ('service: a proxy is let in without a token', 'forwarded and not self.has_token else self.app', 'False else self.app'),
    ('service: any beginning of the token will do', "hmac.compare_digest(given, f'Bearer {self.token}'.encode())", "f'Bearer {self.token}'.encode().startswith(given) and given"),
    ('service: forms of foreign pages are read', "if kind != 'application/json':", "if kind == 'text/html':"),
    ('service: who left is answered to the end', 'finally: worker.drop(job)', 'finally: pass'),
    ('service: the disk is full, and clients hear 500', 'RecordError: _retry, ClientDisconnect', 'ClientDisconnect'),
    ('fine-tuning: rows of the class table not matched', 'to[[*rows]] = source[[*rows.values()]]', 'to[:len(rows)] = source[:len(rows)]'),
    ('fine-tuning: class names ignored', 'if not named and len(old) == len(new)', 'if len(old) == len(new)'),
    ('fine-tuning: schedule of the run not taken', "schedule = NoiseSchedule.from_config(config['schedule']) if schedule is None", "schedule = NoiseSchedule.from_config(config['schedule']) if schedule is not None"),
    ('fine-tuning: prediction that was given is ignored', "prediction = prediction or config['prediction']", "prediction = config['prediction']"),
    ('fine-tuning: weights that were asked for are ignored', 'config, trained = load_network(run, weights, own)', "config, trained = load_network(run, 'ema', own)"),
    ('fine-tuning: weights not copied', '        to[name].copy_(source[name])\n    for', '        pass\n    for'),
    ('best weights: the last epoch kept', 'if loss < self.lowest: self.keep', 'if loss < math.inf: self.keep'),
    ('best weights: the network for its average', 'self.keep(self.ema_model if averaged else self.model, loss)', 'self.keep(self.model, loss)'),
    ('best weights: forgotten when resumed', "return best['loss'] if best else math.inf", 'return math.inf'),
    ('best weights: those of an old run stay', 'best_epoch(path) if run_id(path) else None', 'best_epoch(path)'),
    ('best weights: epochs of the fits before not counted', "len(self.learn.earlier['rows']) + self.epoch + 1, self.run_callback", 'self.epoch + 1, self.run_callback'),
    ('load_network: best weights are the average', 'file = Path(path)/run_weights[weights]\n', "file = Path(path)/run_weights['ema' if weights == 'best' else weights]\n"),
    ('read_metrics: a list passes', 'if isinstance(found, dict): return found\n', 'if isinstance(found, (dict, list)): return found\n'),
    ('sde: reverse drift with the whole score for the ODE', 'return self.drift(x, t) - (1 + randomness)/2*self.diffusion(t)**2*score(x, t)', 'return self.drift(x, t) - self.diffusion(t)**2*score(x, t)'),
    ('sde: reverse diffusion with λ² for λ', 'def diffusion(t): return randomness**0.5*self.diffusion(t)', 'def diffusion(t): return randomness*self.diffusion(t)'),
    ('sde: schedule begins at time 0', 'times = torch.arange(1, noise_steps + 1, dtype=torch.float64)/noise_steps', 'times = (torch.arange(1, noise_steps + 1, dtype=torch.float64) - 0.5)/noise_steps'),
    ('sub-VP: diffusion without the 2', '(self.beta(t)*-torch.expm1(-2*self.integral(t)))**0.5', '(self.beta(t)*-torch.expm1(-self.integral(t)))**0.5'),
    ('VE: noise of time 0 not taken away', 'self.sigma_min*torch.expm1(2*self.growth*t).sqrt()', 'self.sigma_min*torch.exp(self.growth*t)'),
    ('VE: diffusion without the 2', 'self.sigma_min*math.exp(self.growth*t)*(2*self.growth)**0.5', 'self.sigma_min*math.exp(self.growth*t)*self.growth**0.5'),
    ('Euler-Maruyama: noise grows with the step, not its root', 'abs(s - t)**0.5*diffusion(t)*xi', 'abs(s - t)*diffusion(t)*xi'),
    ('Langevin: noise without b', 'return x + delta/2*(a*denoise(x, t) - x) + delta**0.5*b*noise()', 'return x + delta/2*(a*denoise(x, t) - x) + delta**0.5*noise()'),
    ('Langevin: not denoised at the end', '        if s < 0: x = denoise(x, t)\n        yield x', '        yield x'),
    ('predictor-corrector: corrected at the level before', 'x = _langevin_step(denoise, schedule, x, s, delta, noise)', 'x = _langevin_step(denoise, schedule, x, t, delta, noise)'),
    ('velocity: answer for noise', 'return da*x0 + db*(x - a*x0)/b, x0', 'return da*x0 + db*(x - x0)/b, x0'),
    ('likelihood: log of the last signal rate forgotten', 'return prior + spread + d*math.log(a_0)', 'return prior + spread'),
    ('likelihood: divergence without d', '(da - a*db/b)*trace + d*db/b', '(da - a*db/b)*trace + db/b'),
    ('trace: sum over the probes, not their mean', '.flatten(1).sum(1) for e in signs)/len(signs)', '.flatten(1).sum(1) for e in signs)'),
    ('bits: in nats', 'return -log_prob/(d*math.log(2)) - math.log2(bin)', 'return -log_prob/d - math.log2(bin)'),
    ('ODE: clipped answers', 'net.schedule, net.clip, net.threshold = ContinuousSchedule(denoiser.schedule), None, None', 'net.schedule = ContinuousSchedule(denoiser.schedule)'),
    ('EDM schedule: mean of ln σ ignored', 'sigma = (mean + std*torch.special.ndtri(shares)).exp()', 'sigma = (-1.2 + std*torch.special.ndtri(shares)).exp()'),
    ('measurement: variance for standard deviation', 'return y + self.noise*torch.randn(y.shape', 'return y + self.noise**2*torch.randn(y.shape'),
    ('solve: noise not squared', 'scale*self.A(self.transpose(z)) + self.noise**2*z', 'scale*self.A(self.transpose(z)) + self.noise*z'),
    ('conjugate gradients: ratio upside down', 'p = r + torch.where(last > enough, rr/last, 0.)*p', 'p = r + torch.where(last > enough, last/rr, 0.)*p'),
    ('repaint: seen pixels without noise', 'known = a_s*y + b_s*measurement.A(noise()) if s >= 0 else y', 'known = a_s*y if s >= 0 else y'),
    ('repaint: noise back up is too large', 'max(b_t**2 - (a_t/a_s*b_s)**2, 0.)**0.5*noise()', 'b_t*noise()'),
    ('replacement: resamples', 'yield from repaint(denoise, schedule, x, timesteps, noise, y, measurement, 1)', 'yield from repaint(denoise, schedule, x, timesteps, noise, y, measurement, 2)'),
    ('dps: gradient uphill', 'x = (c_0*x0 + c_t*x).detach() - size*grad', 'x = (c_0*x0 + c_t*x).detach() + size*grad'),
    ('dps: step not divided by the residual', 'size = zeta/far.detach().sqrt().clamp(min=1e-12).view', 'size = zeta*torch.ones_like(far).detach().view'),
    ('pigdm: data_std ignored in the numerator', 'measurement.solve(r, (data_std*b)**2/((data_std*a)**2 + b**2))', 'measurement.solve(r, b**2/((data_std*a)**2 + b**2))'),
    ('pigdm, mmps: covariance without b²/a', 'cov = lambda v: b**2/a*torch', 'cov = lambda v: b*torch'),
    ('restore: samples of different images mixed', 'many = lambda o: o.to(each.device).repeat_interleave(n, 0)', 'many = lambda o: o.to(each.device).repeat(n, *[1]*(o.ndim - 1))'),
    ('restore: every image gets the same noise', '[i + 2**16*j for i in range(m) for j in range(n)]', '[2**16*j for i in range(m) for j in range(n)]'),
    ('restore: gradient of the clipped value', 'x0 + (denoiser.clip_x0(x0) - x0).detach()', 'denoiser.clip_x0(x0)'),
    ('sdedit: one timestep too far', '(start := round(strength*schedule.T) - 1)', '(start := min(round(strength*schedule.T), schedule.T - 1))'),
    ('invert_edit: encoded under the new labels', 'latents = encode(denoiser, x0, labels, steps', 'latents = encode(denoiser, x0, new_labels, steps'),
    ('observed only: mask upside down', 'self.observed, self.learn.xb = mask > 0, (x, *self.xb[1:])', 'self.observed, self.learn.xb = mask < 0, (x, *self.xb[1:])'),
    ('observed only: nothing is masked', 'return torch.where(self.observed, pred, self.yb[0]) if len(self.yb) else pred', 'return pred'),
    ('wav: truncated, not rounded', '.double()*32767).round().to(torch.int16)', '.double()*32767).to(torch.int16)'),
    ('wav: another scale when read', '.T[:, None]/32767, dtype=torch.float32)', '.T[:, None]/32768, dtype=torch.float32)'),
    ('wav: below -1 when read', 'dtype=torch.float32).clamp(min=-1), rate', 'dtype=torch.float32), rate'),
    ('1d network: weights not enlarged', 'conv.weight.detach()[:, :, 1:2]*math.sqrt(3)', 'conv.weight.detach()[:, :, 1:2]'),
    ('SI-SDR: amplitude for power', 'return 10*(target.square().sum(1)/(e - target).square().sum(1)).log10()', 'return 5*(target.square().sum(1)/(e - target).square().sum(1)).log10()'),
    ('SI-SDR: depends on the scale', 'target = (e*s).sum(1, keepdim=True)/s.square().sum(1, keepdim=True)*s', 'target = s'),
    ('Fréchet: cross term counted once', 'trace_a + trace_b - 2*torch.linalg.svdvals', 'trace_a + trace_b - torch.linalg.svdvals'),
    ('Fréchet: covariance divided by n', 'centred = (a - mu)/(len(a) - 1)**0.5', 'centred = (a - mu)/len(a)**0.5'),
    ('KID: diagonal kept, so biased', '(aa.sum() - aa.trace())/(n*(n - 1))', 'aa.sum()/(n*n)'),
    ('KID: quadratic kernel', '(u @ v.T/u.shape[1] + 1)**3', '(u @ v.T/u.shape[1] + 1)**2'),
    ('recall: radius of the real images', 'recall=share((apart <= r_fake).any(1))', 'recall=share((apart <= r_real[:, None]).any(1))'),
    ('neighbourhood: the image itself counted', 'kthvalue(k + 1).values ', 'kthvalue(k).values '),
    ('bootstrap: subsets without repetition', 'a[torch.randint(len(a), (len(a),), generator=generator)]', 'a[torch.randperm(len(a), generator=generator)]'),
    ('Wilson: no shrinkage to the middle', 'mid, half = (p + z*z/(2*n))/(1 + z*z/n)', 'mid, half = p/(1 + z*z/n)'),
    ('memorisation: closeness upside down', 'return torch.where(near == far, 1., near/far)', 'return torch.where(near == far, 1., far/near)'),
    ('memorisation: one-sided p off by one', 'betabinom.sf(hits - 1, n, k, m + 1 - k)', 'betabinom.sf(hits, n, k, m + 1 - k)'),
    ('memorisation: no correction for three tests', 'p = min(1., 3*min(p,', 'p = min(1., min(p,'),
    ('overfitting: either condition alarms', 'alarm=gap > 0.1 and gap > 5*error', 'alarm=gap > 0.1 or gap > 5*error'),
    ('level losses: the same noise for every part', 'ItemNoise(seed + 1000*r + k, range(n))', 'ItemNoise(seed, range(n))'),
    ('extractor: rotations without labels that fit', 'o.rot90(int(k), (1, 2)) for o, k in zip(x, y)', 'o.rot90(-int(k), (1, 2)) for o, k in zip(x, y)'),
    ('extractor: cache ignores the labels', "data = x.numpy().tobytes() + (b'' if y is None else y.numpy().tobytes())", 'data = x.numpy().tobytes()'),
    ('report: verdict ignores overfitting', "(('MEMORISED', Memorisation), ('OVERFITTING', Overfitting))", "(('MEMORISED', Memorisation),)"),
    ('report: what metrics.json held is lost', 'found = read_metrics(self.run) | dict(evaluation=self.metrics())', 'found = dict(evaluation=self.metrics())'),
    ('evaluation: guided samples measured by the classes of unguided ones', 'share_interval(probs.argmax(1) == self.judged)', 'share_interval(probs.argmax(1) == self.wanted[:len(x)])'),
    ('evaluation: batches share one seed', 'manual_seed(p.seed + 1000*i) for i in range(len(parts))', 'manual_seed(p.seed) for i in range(len(parts))'),
    ('comparison: other protocols compared', "if differ:\n            raise ValueError(f'{next(iter(protocols))}", "if False:\n            raise ValueError(f'{next(iter(protocols))}"),
    ('captions: unseen words dropped, not spelled', "spell = lambda w: [SPELL, *w.encode()]", "spell = lambda w: []"),
    ('mmps: noise not squared', 'measurement.transpose, measurement.noise**2', 'measurement.transpose, measurement.noise'),
    ('mmps: iterations ignored', 'r, most=iterations)', 'r, most=1)'),
    ('conjugate gradients: negative directions taken', '(rr > enough) & (dot(p, fp) > 0)', 'rr > enough'),
    ('guidance: answer not clipped', 'return answer if clip is None else answer.clamp(*clip)', 'return answer'),
    ('captions: missing ones not zero', 'self.proj(F.silu(self.mix(torch.cat(parts, 1)))).masked_fill(none[:, None], 0)', 'self.proj(F.silu(self.mix(torch.cat(parts, 1))))'),
    ('captions: letters begin as noise', 'self.words.weight[:SPELL+1] = 0', 'pass'),
    ('captions: letters counted as words', '(y >= SPELL).sum(1, keepdim=True)', '(y >= 0).sum(1, keepdim=True)'),
    ('captions: words of another vocabulary copied by number', 'if w in old.numbers: to[i] = source[old.numbers[w]]', 'if w in old.numbers: to[i] = source[i % len(source)]'),
    ('captions: encoder not compared', 'if len(now) == len(then) and now[0] == then[0] and all(abs(a - b) < 0.05 for a, b in zip(now, then)): return now[0]', 'return now[0]'),
    ('vae: noise of the mean is left out', 'self.generator(mean + (log_var/2).exp()*torch.randn_like(mean), y)', 'self.generator(mean, y)'),
    ('vae: half the divergence', 'square().mean().log() + normal_kl(mean, log_var).mean()', 'square().mean().log() + normal_kl(mean, log_var).mean()/2'),
    ('gan: the critic moves the generator', 'both = torch.cat([x, made.detach()]).requires_grad_()', 'both = torch.cat([x, made])'),
    ('gan: the generator moves the critic', '{k: o.detach() for k, o in self.critic.named_parameters()}', 'dict(self.critic.named_parameters())'),
    ('gan: slopes at real images only', 'steep = sum(slopes.square().flatten(1).sum(1).chunk(2))', 'steep = slopes.square().flatten(1).sum(1).chunk(2)[0]'),
    ('gan: images of a batch share numbers', 'noise = ItemNoise(seed_from(generator), range(len(y)))', 'noise = ItemNoise(seed_from(generator), [0]*len(y))'),
    ('autoencoder: codes not scaled', '(self.posterior(x)[0] - self.mean[each])/self.std[each]', 'self.posterior(x)[0] - self.mean[each]'),
    ('autoencoder: tiles without what is around them', 'self.radius = c_in, codes, factor, 2 + 2*blocks', 'self.radius = c_in, codes, factor, 2'),
    ('autoencoder: log variance for variance', 'mean.square() + log_var.exp() - 1 - log_var', 'mean.square() + log_var - 1 - log_var'),
    ('latent: mirrored pictures keep their codes', 'x = torch.where(mirrored, self.mirrored[i], x)', 'pass'),
    ('latent: samples stay codes', 'return x if self.autoencoder is None else self.autoencoder.decode(x)', 'return x'),
    ('latent: codes are clipped', 'more = dict(clip=None if latent else clip_of(shape)', 'more = dict(clip=clip_of(shape)'),
    ('consistency: x0 has no anchor', 'torch.where(self.anchored.to(t.device)[t], -1, earlier_timesteps(t, self.share))', 'earlier_timesteps(t, self.share)'),
    ('text: share of masked tokens never 1', 'return share/share[-1]', 'return share'),
    ('text: steps of the bound not weighted', 'return len(m)*m.diff(prepend=m.new_zeros(1))/m', 'return len(m)*m.diff(prepend=m.new_zeros(1))'),
    ('text: tokens picked in single precision', 'upto = log_probs.double().softmax(-1).cumsum(-1)', 'upto = log_probs.float().softmax(-1).cumsum(-1)'),
    ('text: the chain read backwards', 'self.messages(seen.flip(1), self.transition.T,', 'self.messages(seen.flip(1), self.transition,'),
    ('text: wrong tokens revealed', 'now = (x < 0) & (u >= shares[s])', 'now = (x < 0) & (u < shares[s])'),
    ('rewards: KL not halved', 'snr[-1]], dtype=torch.float64)/2', 'snr[-1]], dtype=torch.float64)'),
    ('rewards: KL of the step itself counts', 'gain = reward - beta*(kl.flip(0).cumsum(0).flip(0) - kl)', 'gain = reward - beta*kl.flip(0).cumsum(0).flip(0)'),
    ('rewards: no leash', '+ beta*pull)[:-1]', ')[:-1]'),
    ('rewards: the path itself is in its mean', '*len(reward)/(len(reward) - 1)', ''),
    ('tables: equal numbers get one rank', 'low + u*(high - low - 1)', 'low + 0*u'),
    ('tables: farthest category', 'best = (x.float() @ self.codes.T).argmax(1)', 'best = (x.float() @ self.codes.T).argmin(1)'),
    ('tables: empty cells are told', 'x.masked_fill(~self.observed, math.nan)', 'x'),
    ('patch: known pixels counted once', 'self.inc = nn.Conv2d((c_in + self.known)*patch**2', 'self.inc = nn.Conv2d(c_in*patch**2 + self.known'),
    ('fine-tuning: channels of a patch taken for one', 'area = to.shape[1]//(c + known_channels(told[1]))', 'area = 1'),
    ('flow: shift ignored', 'b = shift*u/(shift*u + (1 - u))', 'b = u'),
    ('flow: shift forgotten by its config', '**({} if shift == 1 else dict(shift=shift))', '**{}'),
    ('text: pairs may be in both parts', 'train = sorted(set(range(len(concepts))) - set(held))', 'train = sorted(range(len(concepts)))'),
    ('text: variation selectors stay', "if o != 'FE0F')", "if o)"),
    ('retrieval: the right one counts as better', 'better = (some > some.diagonal()[:, None]).sum(1)', 'better = (some >= some.diagonal()[:, None]).sum(1)'),
    ('watching: linear denoiser without the gain of the signal', 'gain = a*var/(a*a*var + b*b)', 'gain = var/(a*a*var + b*b)'),
    ('watching: linear loss of x0 for every prediction', 'loss, part = (p - q*a/b).square()*error,', 'loss, part = error,'),
    ('space-time: all frames are told the timestep', 't.where(~told.all(1).flatten(2).all(2), 0), told', 't, told'),
    ('space-time: known values stay noised', 'return torch.where(told, known.to(x_t.dtype), x_t),', 'return x_t,'),
    ('space-time: answers where it knows', 'frames).masked_fill(known, 0)', 'frames)'),
    ('space-time: places in units of the level', 'torch.arange(k, device=device)[:, None]*step*waves', 'torch.arange(k, device=device)[:, None]*waves'),
    ('inflate: reads what it was never told', "weights['inc.weight'][:, model.inc.in_channels:] = 0", 'pass'),
    ('keep_frames: the frame before', 'weight[:, :, 1, 0] = torch.eye', 'weight[:, :, 0, 0] = torch.eye'),
    ('video: known values count', 'torch.where(unknown, target, 0.)', 'target'),
    ('video: small holes count little', '(weight[0] if weight else 1.)/share)', '(weight[0] if weight else 1.)*torch.ones_like(share))'),
    ('video: all of a clip may be known', 'return known & ~known.flatten(1).all(1).view(-1, 1, 1, 1, 1)', 'return known'),
    ('complete: known values are redrawn', "return torch.where(told['known'].isnan(), x, told['known'])", 'return x'),
    ('complete: guidance away from what is known', 'else {k: cfg_scale for k in y}', 'else cfg_scale'),
    ('continue: told the first frames again', 'spread_frames(x[:, :, -told:], range(told), piece)', 'spread_frames(x[:, :, :told], range(told), piece)'),
    ('cinematic: the first frame moves', 'clip[:, :, 1:] = clip[:, :, 1:].masked_fill(', 'clip[:] = clip.masked_fill('),
    ('clips: walls teleport', 'torch.where(at > top, 2*top - at, at)', 'torch.where(at > top, at - top, at)'),
    ('clips: held-out clips use training scans', 'scans = parts[held_out][', 'scans = parts[0]['),
    ('clips: faint pixels count', 'torch.where(ink < least, 0., ink)', 'torch.where(ink < 0, 0., ink)'),
    ('clips: known pixels are judged', 'torch.where(unknown, (x.clamp(-1, 1) - truth)/2, 0.)', '((x.clamp(-1, 1) - truth)/2)'),
    ('clip files: wrong moment', 'min(tick, *lasts)/2', 'tick/2'),
    ('encode: noise of x0 networks is magnified', 'return a > most*abs(a*q - b*p)', 'return False'),
    ('encode: not noised up to the first timestep', 'x = x.add_(noise, alpha=schedule.level(first)[1])', 'pass'),
    ('recipe: overrides what was asked', "if k not in asked and 'model' not in asked", "if 'model' not in asked"),
    ('few steps: student asked at t', 'student(x_r, r.clamp(min=0), y)', 'student(x_t, t, y)'),
    ('few steps: clean rows not replaced', 'x0, x_r)', 'x_r, x_r)'),
    ('few steps: noise rates swapped', 'b_r/b_t*(x_t - a_t*x0)', 'b_t/b_r*(x_t - a_t*x0)'),
    ('few steps: share never shrinks', '2.**-min(part + 1, self.halvings)', '2.**-1'),
    ('few steps: dropout masks differ', 'return torch.random.fork_rng([x.device] if x.is_cuda else [])', 'return torch.no_grad()'),
    ('paths: begin with the noise of another level', 'noise*schedule.level(levels[0])[1]', 'noise*schedule.level(levels[1])[1]'),
    ('paths: the point after the one where a step begins', 'for t, x_t in zip(levels, path) if t in begins]', 'for t, x_t in zip(levels, path[1:]) if t in begins]'),
    ('paths: only as many evaluations as steps', 'sorted({*begins, *spaced_timesteps(schedule, evaluations)}', 'sorted({*begins, -1}'),
    ('paths: guidance forgotten', 'lambda x, t: teacher(x, t, y, cfg_scale), schedule', 'lambda x, t: teacher(x, t, y), schedule'),
    ('paths: all paths in one go', 'min(paths, max(n, 256))', 'paths'),
    ('paths: the labels of one batch', 'torch.cat(o), *self.pool), []', 'torch.cat(o), *self.pool[-1:]), []'),
    ('paths: more paths than the epoch needs', 'min(paths, max(n, 256))', 'max(n, 256)'),
    ('paths: each point once', 'for _ in range(self.uses)])', 'for _ in range(1)])'),
    ('paths: a short batch in each epoch', 'for i in order.split(n) if len(i) == n]', 'for i in order.split(n)]'),
    ('few steps: the teacher keeps another memory layout', 'self.teacher.model.to(memory_format=torch.channels_last)', 'pass'),
    ('shortcut: halves weighted alike', 'two = second + per_item(w)*(first - second)', 'two = second + 0.5*(first - second)'),
    ('shortcut: the second half from where the first began', 'second = student(ode_step(schedule, x_t, first, t, m), low, y, r)', 'second = student(x_t, low, y, r)'),
    ('shortcut: no steps from the teacher', 'per_item(t - r < 2), teacher', 'per_item(t - r < 1), teacher'),
    ('shortcut: told the wrong end', 'return torch.where(r < 0, math.nan, (r + 1)/T)', 'return torch.where(r < 0, math.nan, r/T)'),
    ('paths: labels of other items', 'of(rows[i % len(rows)])', 'of(rows[i//self.few_steps["steps"]])'),
    ('paths: validation looks at the first step only', 'which = len(points)*(self.schedule.T - 1 - t)//self.schedule.T', 'which = 0*t'),
    ('paths: new noise in validation', 'self.points(self.valid_noise, y)', 'self.points(torch.randn_like(self.valid_noise), y)'),
    ('few steps: what a run was tuned for is forgotten', "few_steps=config.get('few_steps'),", 'few_steps=None,'),
    ('few steps: the caller is not asked', 'return own[0] if sampler is None else sampler, own[1] if steps is None else steps', 'return own'),
    ('few steps: sweeps over steps it does not know', 'not (few or protocol.quick)', 'not protocol.quick'),
    ('graphs: hooks are not called', 'or any(map(has_hooks, self.layers)): return self._orig_mod(*args)', ': return self._orig_mod(*args)'),
    ('graphs: gradients are summed in a replay', 'if grad and (self.waiting or any(p.grad is not None for p in self.weights)):', 'if False:'),
    ('graphs: one recording for all precisions', 'self._orig_mod.training, _autocast(), *(', 'self._orig_mod.training, *('),
    ('graphs: moved weights are not noticed', 'if made_at == place: return replay', 'if replay: return replay'),
    ('graphs: any number of recordings', 'if key not in self.recordings and len(self.recordings) == 2: return None', 'pass'),
    ('graphs: a wrong recording is used', 'if not off < 0.05:', 'if False:'),
    ('graphs: compared with the same weights only', 'torch._foreach_mul_(self.weights, 1.1)', 'torch._foreach_mul_(self.weights, 1.)'),
    ('graphs: weights stay larger', 'for o, old in zip(tensors, before): o.copy_(old)', 'pass'),
    ('graphs: a network that waits for Python', 'if places := waits.found + waits.sent:', 'if places := []:'),
    ('graphs: the learner keeps the recording', 'self.learn.model, self.net = self.net, None', 'self.net = None'),
    ('graphs: checked against weights that autocast kept', 'with restored([*self._orig_mod.buffers()]), uncached():', 'with restored([*self._orig_mod.buffers()]):'),
    ('graphs: the batch before is still there', '        self.let_go()\n', ''),
    ('graphs: the last error is reported', 'while e.__context__ is not None: e = e.__context__', 'pass'),
    ('enlarge: autocast makes float32 of it', 'with torch.autocast(x.device.type, enabled=False): return F.interpolate(x, size=size, **how)', 'return F.interpolate(x, size=size, **how).float()'),
    ('clip: the norm of the step before', 'self.total = nn.utils.get_total_norm(grads)\n', "self.total = getattr(self, 'newer', torch.ones(()))\n        self.newer = nn.utils.get_total_norm(grads)\n"),
    ('ema callback: tensors of the network that was replaced', 'if net not in self._known: self._known[net] = _tensors(net, self.learn.model)\n            ema._follow(self._known[net],', 'if name not in self._known: self._known[name] = _tensors(net, self.learn.model)\n            ema._follow(self._known[name],'),
    ('ema callback: tensors of the fit before', 'self._known, self._skipped = {}, False', 'self._skipped = False'),
    ('graphs: a full GPU', 'return None if taken < 0.4*there', 'return None if taken < 4*there'),
    ('norms: float32 under autocast', "return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)", 'return F.group_norm(x.float(), self.num_groups, self.weight, self.bias, self.eps)'),
    ('norms: LayerNorm in float32', "return F.layer_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)", 'return F.layer_norm(x.float(), self.normalized_shape, self.weight, self.bias, self.eps)'),
    ('late bar: the loss of this step', 'before = self.later.take()', 'self.later.put(self.smooth_loss.detach().float().view(1)); before = self.later.take()'),
    ('consistency: no new noise', 'x = (a_s*x).add_(noise(), alpha=b_s)', 'x = a_s*x'),
    ('transformer: patches of a clip in the wrong order', 'for i in range(k) for o in (i + 1, i + k + 2)', 'for i in range(k) for o in (i + 1, 2*k + 1 - i)'),
    ('transformer: rows and columns exchanged', "indexing='ij'), -1).flatten(0, -2)", "indexing='xy'), -1).flatten(0, -2)"),
    ('rotary: one half turned wrongly', 'torch.cat([a*cos - b*sin, a*sin + b*cos], -1)', 'torch.cat([a*cos - b*sin, b*cos - a*sin], -1)'),
    ('transformer: second gate missing', 'return x + gate2*self.mlp(', 'return x + self.mlp('),
    ('transformer: registers turned', 'turn = F.pad(turn, (0, 0, len(self.registers), 0))', 'turn = F.pad(turn, (0, 0, len(self.registers), 0), value=1.)'),
    ('transformer: registers not told', 'emb, registers = emb + vector, registers + vector[:, None]', 'emb, registers = emb + vector, registers + 0*vector[:, None]'),
    ('transformer: missing words read', 'told.tokens, told.present)[..., 0].mT', 'told.tokens, torch.ones_like(told.present))[..., 0].mT'),
    ('bottleneck: unit of ε', '*(b/(b*p - a*q))**2', '*1.'),
    ('bottleneck: weakest kept', 'torch.linalg.svdvals(exact @ spread).square().flip(0).cumsum(0).flip(0)', 'torch.linalg.svdvals(exact @ spread).square().cumsum(0).flip(0)'),
]

def copy_tree(to):
    "Copy the files that git knows, as they are now."
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split('\0')
    for name in filter(None, names):
        if (ROOT/name).exists():
            (to/name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT/name, to/name)

def chapters():
    "The chapters by name, in reading order."
    return {p.stem: json.loads(p.read_text(encoding='utf-8')) for p in sorted((ROOT/'nbs').glob('*.ipynb'))}

def importers(changed):
    "The paths of the notebooks `changed` and of all that import them, directly or not, in reading order."
    read = lambda p: json.loads(p.read_text(encoding='utf-8'))['cells']
    paths = sorted(p for p in (ROOT/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)
    code = {p: '\n'.join(''.join(c['source']) for c in read(p) if c['cell_type'] == 'code') for p in paths}
    module = {p: m[1] for p, text in code.items() if (m := re.search(r'^#\s*\|\s*default_exp (\w+)', text, re.M))}
    uses = {p: set(re.findall(r'\bddpm_nb\.(\w+)', text)) for p, text in code.items()}
    found = set(changed)
    while more := {p for p in paths if p not in found and uses[p] & {module[o] for o in found if o in module}}: found |= more
    return sorted(found)

def places(nb, right):
    "The exported cells of the notebook `nb` in which `right` stands, each as often as it does."
    exported = [c for c in nb['cells'] if c['cell_type'] == 'code' and ''.join(c['source']).startswith(('#| export', '#|export'))]
    return [c for c in exported for _ in range(''.join(c['source']).count(right))]

def chapter_of(right, books):
    "The chapter in which `right` stands once, and in no other; a `ValueError` if there is none."
    found = [name for name, nb in books.items() for _ in places(nb, right)]
    if len(found) == 1: return found[0]
    raise ValueError(f'{right!r} should stand once in the exported cells of all chapters; it stands in {", ".join(found) or "none"}')

def plant(path, right, wrong):
    "Replace `right` in the exported cells of the notebook at `path`."
    nb = json.loads(path.read_text(encoding='utf-8'))
    cell, = places(nb, right)
    cell['source'] = ''.join(cell['source']).replace(right, wrong).splitlines(keepends=True)
    path.write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')

def start(tree):
    "Make this process one that runs the notebooks of `tree` as `nbdev_test` does."
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    (tree/'tmp').mkdir(exist_ok=True)
    os.environ.update(OMP_NUM_THREADS='1', PYTHONPATH=str(tree), TMPDIR=str(tree/'tmp'))
    tempfile.tempdir = None
    multiprocessing.set_start_method(None, force=True)     # not WARM's, which would start a loader's workers without the notebook's classes
    for fd in (1, 2): os.dup2(os.open(os.devnull, os.O_WRONLY), fd)

def run_tests(tree, notebook):
    "Does the notebook pass?"
    from nbdev.config import get_config
    from nbdev.test import test_nb
    return test_nb(tree/notebook, skip_flags=get_config().tst_flags.split(), basepath=tree)[0]

def test(tree, notebook, exported):
    "In a process of its own: export the notebooks `exported`, and exit with 1 if `notebook` fails."
    start(tree)
    from nbdev.export import nb_export
    for nb in exported: nb_export(tree/nb, lib_path=tree/'ddpm_nb')
    os._exit(0 if run_tests(tree, notebook) else 1)    # whatever a test has left running

def run_with_forks(tree, chapter, bugs, found):
    """In a process of its own: run `chapter`, and before each exported cell fork once for each of its `bugs`.

    The fork goes on with the wrong cell until a cell fails. Of each bug one line is written to `found`: its description
    and whether the fork ended well. Forks are made only where no other thread or process of the chapter is alive."""
    start(tree)
    from execnb.shell import CaptureShell
    run_all, nb = CaptureShell.run_all, json.loads((tree/'nbs'/f'{chapter}.ipynb').read_text(encoding='utf-8'))
    planted, forked, lines = {}, False, open(found, 'w')
    for what, right, wrong in [*bugs, ('', bugs[0][1], bugs[0][1])]:    # the last one changes nothing and must end well
        planted.setdefault(places(nb, right)[0]['id'], []).append((what, right, wrong))
    def with_bugs(self, nb, *args, preproc, **kwargs):
        def before(cell):
            nonlocal forked
            if preproc(cell): return True
            threads = {t.name for t in threading.enumerate()} - {'MainThread', 'IPythonHistorySavingThread'}
            if forked or threads or multiprocessing.active_children(): return False
            for what, right, wrong in planted.get(cell.get('id'), ()):
                here = os.getcwd()                            # which the fork may remove
                subprocess.run(['cp', '-a', 'tmp', 'kept'], cwd=tree)
                if not (child := os.fork()):
                    signal.alarm(HANGS)
                    forked, cell.source = True, cell.source.replace(right, wrong)
                    return False
                status = os.waitpid(child, 0)[1]
                shutil.rmtree(tree/'tmp', ignore_errors=True)
                (tree/'kept').rename(tree/'tmp')
                os.chdir(here)
                print(json.dumps([what, status == 0]), file=lines, flush=True)
            return False
        run_all(self, nb, *args, preproc=before, **kwargs)
    CaptureShell.run_all = with_bugs
    passed = run_tests(tree, Path(f'nbs/{chapter}.ipynb'))
    os._exit(0 if passed else 1)

def in_process(f, *args):
    "Run `f` in a process that has imported the slow libraries and nothing of ours; did it exit with 0?"
    process = WARM.Process(target=f, args=args)
    process.start()
    process.join()
    return process.exitcode == 0

def caught_in(tree, chapter, bugs):
    "The descriptions of those `bugs` that the tests of their own `chapter` notice, in one run of it; None if it fails without a bug."
    found = tree/'found'
    if not in_process(run_with_forks, tree, chapter, bugs, found):      # as where a fork writes to an open database
        return set() if in_process(test, tree, Path(f'nbs/{chapter}.ipynb'), ()) else None
    passed = dict(map(json.loads, found.read_text().splitlines()))
    return {what for what, ok in passed.items() if not ok} if passed.get('', True) else set()

def caught_by(tree, chapter, right, wrong, readers):
    "The first of the notebooks `readers` whose tests fail with the bug planted in `chapter` and its module, or None."
    planted = tree/'nbs'/f'{chapter}.ipynb'
    before = {p: p.read_bytes() for p in (planted, *(tree/'ddpm_nb').glob('*.py'))}
    try:
        plant(planted, right, wrong)
        exported = [planted.relative_to(tree)]
        for nb in readers:
            if not in_process(test, tree, nb, exported): return nb.stem
            exported = []
    finally:
        for p, content in before.items(): p.write_bytes(content)

# a process imports the slow libraries once; the tests run in copies of it, in which no module of ours is loaded yet
WARM = multiprocessing.get_context('forkserver')
WARM.set_forkserver_preload(['torch', 'torch._dynamo', 'torchvision', 'fastai.vision.all', 'sklearn.datasets', 'scipy', 'nbdev.test', 'nbdev.export', 'execnb.shell'])

def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--only', nargs='+', default=[], help='words of a description or chapter')
    parser.add_argument('--jobs', type=int, default=2, help='how many at a time')
    parser.add_argument('--list', action='store_true', help='only say what would be planted')
    args = parser.parse_args()
    books, bugs = chapters(), {}
    for what, right, wrong in BUGS: bugs.setdefault(chapter_of(right, books), []).append((what, right, wrong))     # all can be planted
    bugs = {c: [b for b in of if not args.only or any(w in f'{c} {b[0]}' for w in args.only)] for c, of in sorted(bugs.items())}
    if args.list: print('\n'.join(f'{c:20} {what}' for c, of in bugs.items() for what, *_ in of)); return 0
    readers = {c: [nb.relative_to(ROOT) for nb in importers([ROOT/'nbs'/f'{c}.ipynb'])] for c in bugs if bugs[c]}
    os.environ['OMP_NUM_THREADS'] = '1'
    began, survivors, trees = time.time(), [], Queue()
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(args.jobs):
            tree = Path(tmp)/str(i)
            tree.mkdir(); copy_tree(tree); trees.put(tree)
        def one_chapter(chapter):
            "For each bug of `chapter` its description and the notebook that notices it; None if the chapter fails without a bug."
            tree = trees.get()
            try:
                if (caught := caught_in(tree, chapter, bugs[chapter])) is None: return None
                return [(what, chapter if what in caught else caught_by(tree, chapter, right, wrong, readers[chapter]))
                        for what, right, wrong in bugs[chapter]]
            finally: trees.put(tree)
        with ThreadPoolExecutor(args.jobs) as pool:
            for chapter, answers in zip(readers, pool.map(one_chapter, readers)):
                if answers is None: sys.exit(f'{chapter} fails without any bug')
                for what, by in answers:
                    if by is None: survivors.append(what)
                    print(f'{"SURVIVED" if by is None else "caught"}  {chapter:20} {what}' + (f'  (by {by})' if by not in (None, chapter) else ''), flush=True)
    n = sum(map(len, bugs.values()))
    print(f'{n - len(survivors)} of {n} bugs caught in {time.time() - began:.0f} s')
    return len(survivors)

if __name__ == '__main__': sys.exit(main())
