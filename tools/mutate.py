"""Plant bugs, one at a time, and see whether the tests notice.

    python tools/mutate.py                    # all of them, two at a time: about 12 minutes
    python tools/mutate.py --only heun ema    # those whose description or chapter has one of the words
    python tools/mutate.py --list

Each bug is one replacement in the source of one notebook. In a copy of the working tree the notebook is changed and
exported, and `nbdev_test` runs on its chapter, then on the later chapters until one fails. A bug that no chapter
notices is a survivor: add the test that kills it. The exit code is the number of survivors.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = '00_schedules 00a_exact 01_unet 01a_adm 02_ema 02a_data 03_trainer 03a_samplers 04_sampling 06_cli'.split()

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
    ('00_schedules', 'level: noise of the timestep before', "self._signal[t].item(), self._noise[t].item()", "self._signal[t].item(), self._noise[t - (t > 0)].item()"),
    ('00_schedules', 'timestep 0 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(1, self.T, (n,)"),
    ('00_schedules', 'timestep T-1 never drawn', "torch.randint(0, self.T, (n,)", "torch.randint(0, self.T - 1, (n,)"),
    ('00_schedules', 'logit-normal: no even share', "(1 - uniform)*edges.diff() + uniform/T", "edges.diff()"),
    ('00_schedules', 'v: wrong sign in the target', "a*noise - b*x0 if prediction", "a*noise + b*x0 if prediction"),
    ('00_schedules', 'v to x0: not divided by a² + b²', "(a*x_t - b*pred)/(a*a + b*b)", "(a*x_t - b*pred)"),
    ('00_schedules', 'v to eps: wrong sign', "(b*x_t + a*pred)/(a*a + b*b)", "(b*x_t - a*pred)/(a*a + b*b)"),
    ('00_schedules', 'score to eps: wrong sign', "-b*pred if prediction == 'score' else (x_t", "b*pred if prediction == 'score' else (x_t"),
    ('00_schedules', 'score: variance for standard deviation', "prediction)/self.rates(t, x_t)[1]", "prediction)/self.rates(t, x_t)[1]**2"),
    ('00_schedules', 'posterior: larger variance', "alpha*b_s**2/b_t**2, between*b_s**2/b_t**2", "alpha*b_s**2/b_t**2, between"),
    ('00_schedules', 'posterior: coefficients swapped', "return a_s*between/b_t**2, alpha*b_s**2/b_t**2,", "return alpha*b_s**2/b_t**2, a_s*between/b_t**2,"),
    ('00_schedules', 'posterior: alpha not squared', "between = b_t**2 - alpha**2*b_s**2", "between = b_t**2 - alpha*b_s**2"),
    ('00_schedules', 'min-SNR: max for min', "(gamma/snr).clamp(max=1)", "(gamma/snr).clamp(min=1)"),
    ('00_schedules', 'P2: wrong sign of the exponent', "(k + snr)**-gamma", "(k + snr)**gamma"),
    ('00_schedules', 'EDM: sigma_data not squared', "1 + 1/(snr*sigma_data**2)", "1 + 1/(snr*sigma_data)"),
    ('00_schedules', 'weights of v: SNR forgotten', "v=snr*(b/(a*a + b*b)).square()", "v=(b/(a*a + b*b)).square()"),
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
    ('03_trainer', 'labels kept, not dropped, with p_uncond', "device=y.device) < self.p_uncond", "device=y.device) > self.p_uncond"),
    ('03_trainer', 'validation: each batch gets the same noise', "self.seen += len(x0)", "self.seen += 0"),
    ('03_trainer', 'the level told is not the level in the image', "noise_images(x0, t, noise)\n        self", "noise_images(x0, (t + 1).clamp(max=self.schedule.T - 1), noise)\n        self"),
    ('03a_samplers', 'ddpm: variance for standard deviation', "(schedule.level(t)[1]/schedule.level(s)[1])**2\n            x = x + var**0.5*noise()", "(schedule.level(t)[1]/schedule.level(s)[1])**2\n            x = x + var*noise()"),
    ('03a_samplers', 'ddpm: large variance without its square', "(schedule.level(t)[1]/schedule.level(s)[1])**2", "(schedule.level(t)[1]/schedule.level(s)[1])"),
    ('03a_samplers', 'ddim: eta not squared', "var = eta**2*schedule", "var = eta*schedule"),
    ('03a_samplers', 'ddim: noise added, none taken away', "keep = max(b_s**2 - var, 0.)**0.5/b_t", "keep = b_s/b_t"),
    ('03a_samplers', 'euler_ancestral: ratio not squared', "(1 - ratio**2)**0.5", "(1 - ratio)**0.5"),
    ('03a_samplers', 'heun: only half corrected', "(b_s - b_t)*(eps + eps_end)/2", "(b_s - b_t)*eps"),
    ('03a_samplers', 'heun: second answer at the wrong level', "x0_end = denoise(end, s)", "x0_end = denoise(end, t)"),
    ('03a_samplers', 'heun: churn adds the wrong noise', "b_up**2 - (a_up/a*b)**2", "b_up**2 - b**2"),
    ('03a_samplers', 'dpmpp: ratio of steps upside down', "*h/(2*h_before)    #", "*h_before/(2*h)    #"),
    ('03a_samplers', 'dpmpp: wrong sign', "x0 + (x0 - before)*h", "x0 - (x0 - before)*h"),
    ('03a_samplers', 'dpmpp sde: decay forgotten', "b_s/b_t*math.exp(-h)*x", "b_s/b_t*x"),
    ('03a_samplers', 'dpmpp sde: half of the exponent', "(-math.expm1(-2*h))**0.5*noise()", "(-math.expm1(-h))**0.5*noise()"),
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
    ('04_sampling', 'encode: noise not rescaled', "b_t*(x - a_s*clean)/b_s", "b_t*(x - a_s*clean)/b_t"),
    ('04_sampling', 'slerp: length of one end', "((1 - share)*la + share*lb)", "la"),
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

def plant(path, right, wrong):
    "Replace `right` in the exported cells of the notebook at `path`, where it must stand once."
    nb = json.loads(path.read_text(encoding='utf-8'))
    sources = [(c, ''.join(c['source'])) for c in nb['cells'] if c['cell_type'] == 'code']
    hits = [(c, s) for c, s in sources if right in s and s.startswith(('#| export', '#|export'))]
    if len(hits) != 1 or hits[0][1].count(right) != 1: raise SystemExit(f'{path.name}: {right!r} should stand in one exported cell, once; found in {len(hits)}')
    cell, source = hits[0]
    cell['source'] = source.replace(right, wrong).splitlines(keepends=True)
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
