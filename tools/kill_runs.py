"""Kill real `ddpm_train` processes without warning, resume them, and compare what they leave with a run that was not killed.

    python tools/kill_runs.py                  # 20 kills at random moments: about 15 minutes on two cores
    python tools/kill_runs.py --kills 4 --seed 7

Each run trains the digits at 16 × 16, saves its state (about 45 MB) after every step, and is killed with SIGKILL once:
half of them at a random moment, the other half while a file of the run folder is being written. Then it is resumed with
`ddpm_train --resume`. The weights, the averaged weights and the log must be equal to the last bit. The exit code is
the number of runs that are not. One thread per process, since sums depend on the number of threads.
"""
import argparse, os, random, signal, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRAIN = [sys.executable, '-c', 'from ddpm_nb.cli import train_main; train_main()']
OPTIONS = '--img_size 16 --epochs 2 --batch_size 256 --noise_steps 50 --log_every_epoch 2 --save_minutes 1e-6'.split()
FILES = 'model.safetensors', 'ema.safetensors', 'log.csv'

def start(folder, *options):
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    return subprocess.Popen([*TRAIN, *options], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

def finish(process, what):
    "Wait for the process and return what it wrote; leave with that if it failed."
    out, _ = process.communicate()
    if process.returncode: raise SystemExit(f'{what} ended with {process.returncode}:\n{out}')
    return out

def writing(run):
    "Whether a file of the run folder is being written."
    return any(f.name.startswith('.') and f.name.endswith('.tmp') for f in run.iterdir()) if run.exists() else False

def one_kill(folder, name, moment, in_a_write):
    "Start the run `name`, kill it `moment` seconds after its first state, in a write if asked; resume it."
    run, process = folder/'runs'/name, start(folder, '--run_name', name, *OPTIONS)
    while not (run/'state.pt').exists() and process.poll() is None: time.sleep(0.01)
    time.sleep(moment)
    while in_a_write and not writing(run) and process.poll() is None: pass
    process.send_signal(signal.SIGKILL); process.communicate()
    if process.returncode != -signal.SIGKILL: return dict(killed=False, size=0, left=[])
    size, left = (run/'state.pt').stat().st_size if (run/'state.pt').exists() else 0, sorted(f.name for f in run.iterdir() if f.name.endswith('.tmp'))
    finish(start(folder, '--resume', f'runs/{name}'), f'resuming {name}')
    return dict(killed=True, size=size, left=left)

def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0, help='of the moments')
    parser.add_argument('--jobs', type=int, default=2, help='runs at a time')
    args = parser.parse_args()
    moments, different, begun = random.Random(args.seed), 0, time.time()
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        process = start(folder, '--run_name', 'whole', *OPTIONS)
        while not (folder/'runs'/'whole'/'state.pt').exists() and process.poll() is None: time.sleep(0.01)
        first = time.time()
        while process.poll() is None and not (folder/'runs'/'whole'/'samples'/'grid.png').exists(): time.sleep(0.01)
        lasts = time.time() - first                     # from the first state to the pictures at the end
        finish(process, 'the run that is not killed')
        plan = [(f'killed-{i:02d}', moments.uniform(0, 0.8*lasts), i % 2 == 1) for i in range(args.kills)]
        with ThreadPoolExecutor(args.jobs) as pool:
            for (name, moment, in_a_write), result in zip(plan, pool.map(lambda p: one_kill(folder, *p), plan)):
                equal = all((folder/'runs'/'whole'/f).read_bytes() == (folder/'runs'/name/f).read_bytes() for f in FILES)
                different += not (equal and result['killed'])
                print(f"{name}  after {moment:5.2f} s{', in a write' if in_a_write else ''}: " + ('same bits' if equal else 'DIFFERENT') + ('' if result['killed'] else ', but it had ended before')
                      + f" (state of {result['size']/1e6:.0f} MB{'; half-written: ' + ', '.join(result['left']) if result['left'] else ''})", flush=True)
    print(f'{args.kills - different} of {args.kills} runs that were killed ended with the same bits, {time.time() - begun:.0f} s')
    return different

if __name__ == '__main__': sys.exit(main())
