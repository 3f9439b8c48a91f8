"""Run notebooks and store what they print and draw, or check that what they store is still what they give.

    python tools/run_notebooks.py                        # run all under nbs/, save the outputs
    python tools/run_notebooks.py nbs/01_unet.ipynb      # only this one
    python tools/run_notebooks.py --flags "slow cuda"    # also the cells flagged `#| slow` and `#| cuda`
    python tools/run_notebooks.py --check                # save nothing, report outputs that are not current
    python tools/run_notebooks.py --ran FOLDER           # the same for what nbdev_test has run, see .ci/count
    python tools/run_notebooks.py --pretend-gpu          # save nothing, report cells that would fail on a machine with a GPU
    python tools/run_notebooks.py --copied               # save nothing, run only what a reader can copy from each page

`nbdev_test` saves nothing, while the documentation shows what is stored. This tool runs each notebook by nbdev's own
`test_nb` and keeps the outputs; a skipped cell keeps its stored ones, so a result from a GPU survives a run on a
laptop. Every notebook runs in a process of its own. It is saved in the form `nbdev_clean` gives it, and only when all
of its cells succeed. What goes to stderr is not stored: warnings name the folders of
one machine and the library versions of one day.

`--check` and `--ran` compare the kinds of outputs (stream, picture, table...) and their text. They do not compare
the pixels of pictures, which depend on fonts and library versions, nor times, speeds and object addresses. Whole
numbers must be equal. Other numbers may differ by 1%, or by one in their last printed digit: processors and thread
counts round sums differently, training magnifies that, and 0.0249 and 0.0251 print as 0.02 and 0.03. A text that
changed for a real reason rarely stays within that. A cell that says `# other processors train other weights` is judged
more mildly: its numbers may differ by 20%, and hashes of weights altogether.

`--copied` runs, in a fresh process and an empty folder, what stands on a page: `from ddpm_nb.… import *`, which the site prints at the top,
then the visible cells without the exported ones. `tools/checks.py` finds most of what would fail there without running it.

`--pretend-gpu` looks at no outputs. fastai puts loaders and learners on a device that computes like the CPU and mixes
with it as little as a GPU does: see tools/pretend_gpu.py, also for the rule that cells without a flag keep.
"""
import argparse, json, os, re, shutil, subprocess, sys, tempfile, threading, time, traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
import pages

ROOT = Path(__file__).resolve().parent.parent
REL_TOL, TRAINED_TOL = Decimal('0.01'), Decimal('0.2')
TRAINED = '# other processors train other weights'    # the comment of a cell whose outputs come from trained weights
STALE = '\nOutputs that are not current: `python tools/run_notebooks.py NOTEBOOK` stores them anew.'
SKIPPED, OK, FAILED = 'skip', 'ok', 'FAIL'


# ---- What is compared -------------------------------------------------------------------------------------------

TIME = re.compile(r'''(?<![\w.])(?: \d+:\d\d(?::\d\d)?(?:\.\d+)?                                # 00:12
    | \d[\d.,]*(?:e[-+]\d+)?\s?(?:[nmu\u00b5\u03bc]?s|secs?|seconds?|mins?|minutes?|\w+/s|s/\w+)(?!\w)
    | a\ second(?!\w) )''', re.X)
NUMBER = re.compile(r'(?<![\w.])([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\w)')

def as_text(lines): return lines if isinstance(lines, str) else ''.join(lines)

def kind(output):
    "What sort of thing `output` is: `('stream', 'stdout')`, `('display_data', 'image/png', 'text/plain')`..."
    name = [output['name']] if 'name' in output else sorted(output.get('data', {}))
    return (output['output_type'], *name)

def normal(text):
    "`text` as it looks in a terminal, without what differs from run to run"
    text = '\n'.join(re.split('\r+', line.rstrip('\r'))[-1] for line in text.split('\n'))
    text = re.sub(r' at 0x[0-9a-fA-F]+', '', text)
    text = re.sub(r'data:image/[^"\')\s]+', 'data:image', text)
    text = ' '.join(TIME.sub('<time>', text).split())
    return re.sub('<time>( <time>)+', '<time>', text)    # 1min 3s

def close(a, b, rel_tol):
    "Are the printed numbers `a` and `b` equal, as far as that may be asked?"
    if not re.search('[.eE]', a + b) and rel_tol == REL_TOL: return int(a) == int(b)
    a, b = Decimal(a), Decimal(b)
    # 10**exponent is one unit in the last printed digit; the sum of a float32 series may leave 1e-6 where 0 is meant
    last_digit = max(Decimal(10)**n.as_tuple().exponent if n.as_tuple().exponent < 0 else 0 for n in (a, b))
    return abs(a - b) <= max(rel_tol * max(abs(a), abs(b)), last_digit, Decimal('1e-6'))

def same(old, new, trained=False):
    "Do the two texts agree but for small differences of their numbers?"
    hashes = r'\b(?=\w*\d)[0-9a-f]{12,64}\b' if trained else '(?!)'
    old, new = (NUMBER.split(re.sub(hashes, '<hash>', normal(t))) for t in (old, new))    # words at even places, numbers at odd ones
    return len(old) == len(new) and all(close(a, b, TRAINED_TOL if trained else REL_TOL) if i % 2 else a.split() == b.split()
                                        for i, (a, b) in enumerate(zip(old, new)))

def excerpts(old, new, width=100):
    "The two texts from just before the place where they part"
    old, new = normal(old), normal(new)
    start = max(0, len(os.path.commonprefix([old, new])) - 30)
    return f'stored: …{old[start:start+width]!r}\n    now:    …{new[start:start+width]!r}'

def difference(old, new, source=''):
    "What is wrong with the stored outputs `old` of a cell of this `source` that now gives `new`, or None"
    if any(o['output_type'] == 'error' for o in old): return 'an error is stored'
    kinds = [[' '.join(kind(o)) for o in outs] for outs in (old, new)]
    if kinds[0] != kinds[1]:
        return 'stored: {}\n    now:    {}'.format(*(', '.join(k) or 'no output' for k in kinds))
    for a, b in zip(old, new):
        texts = [('', a['text'], b['text'])] if 'text' in a else \
                [(m, a['data'][m], b['data'][m]) for m in a['data'] if m.startswith('text/')]
        for mime, s, t in texts:
            if not same(as_text(s), as_text(t), TRAINED in source): return f'{mime} differs\n    {excerpts(as_text(s), as_text(t))}'.strip()


def kept(outputs):
    "Those of `outputs` that are stored"
    outputs = [o for o in outputs if o.get('name') != 'stderr']
    for data in (o.get('data', {}) for o in outputs):
        if 'image/png' in data: data.pop('image/jpeg', None)    # PIL gives both: one picture is enough
    return outputs


# ---- Running one notebook, in this process -----------------------------------------------------------------------

class CellFailed(Exception): pass

def failure(number, cell, source, exc):
    "A message about `exc`, without the frames of the machinery that runs cells; `source` is the cell with its directives"
    tb = exc.__traceback__
    while tb and not tb.tb_frame.f_code.co_filename.startswith('<ipython-input'): tb = tb.tb_next
    line = tb.tb_lineno if tb else getattr(exc, 'lineno', None) or 1    # a syntax error has no frame of its own
    line += len(source.splitlines()) - len(cell.source.splitlines())
    trace = ''.join(traceback.format_exception(type(exc), exc, tb))
    return f"cell {number} (id {cell.id}), line {line}: {''.join(source.splitlines()[line-1:line]).strip()}\n\n{trace}"

def record(finished, copied=False):
    """From now on, tell `finished(path, cells, exc)` of each notebook that nbdev runs in this process or in a fork of it.

    nbdev says only whether a notebook passed, says the same of one whose every cell it skipped, and drops the outputs.
    `cells` are those that ran, with new outputs; `exc` is what stopped the last one, or None. With `copied`, only what
    stands on a page runs: the import at its top, and the visible cells."""
    from execnb.shell import CaptureShell
    run_all = CaptureShell.run_all

    def recorded(self, nb, *args, preproc, **kwargs):
        path, ran, exc = Path(nb.path_).resolve(), [], None
        self.run("set_matplotlib_formats('png')")    # the default, retina, makes pictures three times as large
        if copied:
            cells = pages.read_cells(path)
            shown = {c['id'] for c in pages.copied(cells)}
            os.chdir(elsewhere := tempfile.mkdtemp())    # a page may write `runs/digits`; its hidden cells would clean up
            self.run(pages.star_import(cells))
        def before(cell):
            skip = preproc(cell) or (copied and cell.get('id') not in shown)
            if not skip and cell.cell_type == 'code':
                cell.outputs = []    # execnb leaves the old ones if there are no new ones
                if cell.source.strip(): ran.append(cell)
            return skip
        try: run_all(self, nb, *args, preproc=before, **kwargs)
        except BaseException as e:
            exc = e
            raise
        finally:
            if copied: os.chdir(ROOT); shutil.rmtree(elsewhere, ignore_errors=True)
            finished(path, ran, exc)

    CaptureShell.run_all = recorded

def run(path, flags, check, copied=False):
    "Run the notebook at `path` as nbdev_test does; return SKIPPED or OK, and the problems found. Raises `CellFailed`."
    from execnb.nbio import read_nb, write_nb
    from nbdev.clean import clean_nb
    from nbdev.config import get_config
    from nbdev.test import test_nb

    cfg, runs = get_config(), []
    as_read = path.read_bytes()
    nb = read_nb(path)
    record(lambda *run: runs.append(run), copied)
    test_nb(path, skip_flags=cfg.tst_flags.split(), force_flags=flags, showerr=False)
    if not runs: return SKIPPED, []
    [(_, ran, exc)] = runs
    stored = {c.get('id'): (i, c) for i, c in enumerate(nb.cells, 1)}
    if exc is not None:
        number, cell = stored[ran[-1].id]
        raise CellFailed(failure(number, ran[-1], cell.source, exc))
    problems = []
    for cell in ran:
        number, old = stored[cell.id]
        outputs = kept(cell.outputs)
        problem = None if copied or 'pretend_gpu' in sys.modules else difference(old.get('outputs', []), outputs, as_text(old['source']))
        if problem: problems.append(f'  cell {number} (id {cell.id}): {problem}')
        old.outputs = outputs
    if check: return OK, problems

    clean_nb(nb, allowed_metadata_keys=cfg.get('allowed_metadata_keys', '').split(),
             allowed_cell_metadata_keys=cfg.get('allowed_cell_metadata_keys', '').split(), clean_ids=cfg.clean_ids)
    if path.read_bytes() != as_read: raise CellFailed('the file changed while it ran: not saved, run it again')
    write_nb(nb, path)
    return OK, []

def leave_records(folder):
    """Make nbdev_test leave in `folder`, for each notebook it runs, a JSON file: its path, passed or failed, the cells that ran.

    .ci/run calls this in every Python that starts (.ci/count/sitecustomize.py); --ran reads what is left."""
    def finished(path, ran, exc):
        done = dict(path=str(path), outcome='passed' if exc is None else 'failed', cells=[dict(id=c.id, outputs=c.outputs) for c in ran])
        (Path(folder)/(str(path).replace(os.sep, '%') + '.json')).write_text(json.dumps(done))
    record(finished)

def run_here(path, flags, check, gpu=False, copied=False):
    "Run the notebook at `path` in this process, print one line about it and any problems; return the exit code"
    os.environ.update(IN_TEST='1')
    sys.path[0] = str(ROOT)    # the local package, and not the folder of this script
    start, name = time.time(), os.path.relpath(path, ROOT)
    if gpu: sys.path.append(str(ROOT/'tools')); import pretend_gpu
    try: status, problems = run(path, flags, check, copied)
    except CellFailed as e: status, problems = FAILED, [str(e)]
    if problems and status == OK: status = 'stale'
    print(f'{status:5} {name}  {time.time() - start:.1f} s', *problems, sep='\n', flush=True)
    return 1 if problems else 0


def report(folder):
    "Print a line for each notebook of which nbdev_test left a file in `folder`; return the exit code"
    stale, outcomes = False, {}
    for file in sorted(folder.glob('*.json')):
        done = json.loads(file.read_text())
        path, cells, outcome = Path(done['path']), done['cells'], done['outcome'] if done['cells'] else 'empty'
        stored = {c.get('id'): (i, c) for i, c in enumerate(json.loads(path.read_text())['cells'], 1)}
        problems = []
        for cell in cells if outcome == 'passed' else []:
            number, old = stored[cell['id']]
            problem = difference(old.get('outputs', []), kept(cell['outputs']), as_text(old['source']))
            if problem: problems.append(f'  cell {number} (id {cell["id"]}): {problem}')
        outcomes[path], stale = outcome, stale or bool(problems)
        print(f'{outcome}  {os.path.relpath(path, ROOT)}, {len(cells)} cells' + (', outputs not current' if problems else ''), *problems, sep='\n')
    for path in find_notebooks():    # one without a cell to run is not counted; a chapter without one has not been tested
        if path.name[0].isdigit() and outcomes.get(path, 'empty') == 'empty':
            print(f'no cell of {os.path.relpath(path, ROOT)} has run')
            outcomes[path] = 'failed'
    if stale: print(STALE)
    passed, failed = (sum(o == want for o in outcomes.values()) for want in ('passed', 'failed'))
    print(f'{passed} passed, {failed} failed')
    return int(stale or failed > 0)


# ---- Running many, each in a fresh process ------------------------------------------------------------------------

def find_notebooks():
    "The notebooks that `nbdev_test` would run"
    from nbdev.doclinks import nbglob
    return [p for p in sorted(nbglob(as_path=True)) if not (p.parent/'.notest').exists()]

def run_in_process(path, args, stop):
    "Run the notebook at `path` in a new process, unless `stop` is set; return whether that failed"
    if stop.is_set(): return True
    env = dict(os.environ)
    if args.jobs > 1: env.setdefault('OMP_NUM_THREADS', str(max(1, (os.cpu_count() or 1) // args.jobs)))
    cmd = [sys.executable, __file__, '--here', '--flags', args.flags, *(['--check'] if args.check else []),
           *(['--pretend-gpu'] if args.pretend_gpu else []), *(['--copied'] if args.copied else []), str(path)]
    done = subprocess.run(cmd, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace')
    reported = path.name in done.stdout
    if not reported:
        done.stdout += (f'{FAILED}  {os.path.relpath(path, ROOT)}: its process ended early, with exit code '
                        f'{done.returncode} (-9: killed, mostly for lack of memory)\n')
    print(done.stdout, end='', flush=True)
    failed = done.returncode != 0 or not reported
    if failed and not args.check: stop.set()    # the first error ends a run; a check reports on all
    return failed

def main():
    doc = __doc__.splitlines()
    parser = argparse.ArgumentParser(description=doc[0], epilog='\n'.join(doc[1:]),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('notebooks', nargs='*', type=Path, help='default: all under nbs/')
    parser.add_argument('--check', action='store_true', help='save nothing, report outputs that are not current')
    parser.add_argument('--ran', type=Path, metavar='FOLDER', help='report on what nbdev_test has run, see .ci/count')
    parser.add_argument('--pretend-gpu', action='store_true', help='save nothing, report cells that would fail on a machine with a GPU')
    parser.add_argument('--copied', action='store_true', help='save nothing, run only what a reader can copy from each page')
    parser.add_argument('--flags', default='', help='flags (see tst_flags in settings.ini) whose cells run too')
    parser.add_argument('--jobs', type=int, default=1, help='notebooks to run at the same time')
    parser.add_argument('--here', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.check = args.check or args.pretend_gpu or args.copied
    paths = [p.resolve() for p in args.notebooks]
    for p in paths:
        if not p.is_file(): parser.error(f'no such notebook: {p}')
    os.chdir(ROOT)
    if args.ran: return report(args.ran.resolve())
    if args.here:
        code = run_here(paths[0], args.flags.split(), args.check, args.pretend_gpu, args.copied)
        if args.copied: os._exit(code)    # a page may leave a server running, which it stops in a hidden cell
        return code

    stop = threading.Event()
    todo = paths or find_notebooks()
    if args.jobs > 1: todo = todo[::-1]    # later chapters take longer, and nobody should wait for the longest at the end
    with ThreadPoolExecutor(args.jobs) as pool:
        failures = list(pool.map(lambda p: run_in_process(p, args, stop), todo))
    if args.check and not (args.pretend_gpu or args.copied) and any(failures): print(STALE)
    return int(any(failures))

if __name__ == '__main__': sys.exit(main())
