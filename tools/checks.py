"""Check what keeps the project in shape and no notebook test would notice.

    python tools/checks.py

Prints one line for each check, and for one that fails what is wrong and what to do about it. Needs the
`dev` extra; takes about half a minute, nearly all of it for importing every module in a process of its own.
"""
import ast, json, os, re, subprocess, sys, warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from nbdev.doclinks import nbglob
import yaml
import mutate
import readme

ROOT = Path(__file__).resolve().parent.parent
LIB = 'ddpm_nb'
MAX_KB = 400
CHECKS = []

def check(what, advice):
    "Register a function that yields what is wrong, one string for each problem"
    def register(f):
        CHECKS.append((what, advice, f))
        return f
    return register


# ---- What there is ------------------------------------------------------------------------------------------------

def git_files(*args):
    out = subprocess.run(['git', 'ls-files', '-z', *args], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT/p for p in out.split('\0') if p]

def rel(path): return path.relative_to(ROOT).as_posix()
def notebooks(): return sorted(nbglob(as_path=True))
def modules(): return sorted(p for p in (ROOT/LIB).glob('*.py') if p.name not in ('__init__.py', '_modidx.py'))
def cells(path): return json.loads(path.read_text(encoding='utf-8'))['cells']

def number(path):
    "'02a' of nbs/02a_data.ipynb: sorts in reading order; None where the notebook is no chapter"
    m = re.match(r'(\d\d[a-z]?)_', path.name)
    return m[1] if m and path.parent == ROOT/'nbs' else None

def module_of(path):
    "The module that the notebook at `path` exports to, or None"
    for c in cells(path):
        m = re.search(r'^\s*#\s*\|\s*default_exp\s+(\S+)', ''.join(c['source']), re.M)
        if m and c['cell_type'] == 'code': return m[1]

def imported(tree):
    "(syntax node, full name) of everything `tree` imports; `from a import b` gives both a and a.b"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import): yield from ((node, a.name) for a in node.names)
        if isinstance(node, ast.ImportFrom):
            base = '.'.join(filter(None, [LIB if node.level else '', node.module]))
            yield node, base
            yield from ((node, f'{base}.{a.name}') for a in node.names)

def is_or_in(name, package): return name == package or name.startswith(package + '.')

def parse_cell(source):
    "Syntax tree of a cell, its directives dropped and its magics turned into calls; of `%%time`, what is timed"
    source = re.sub(r'\A(?:\s*#\s*\|.*(?:\n|\Z)|\s*\n)+', '', source)
    is_magic = source.startswith('%%')
    if is_magic: source = source.partition('\n')[2]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: return ast.parse(TransformerManager().transform_cell(source))
        except SyntaxError:
            if is_magic: return ast.Module([], [])    # another language, as in `%%bash`
            raise


# ---- Imports ------------------------------------------------------------------------------------------------------

@check('a chapter imports only chapters before it',
       'Move what is shared to the earlier chapter, or the code that needs it to a later one. '
       'In its own notebook a name is simply there: no need to import it.')
def chapter_imports():
    number_of = {f'{LIB}.{module_of(nb)}': number(nb) for nb in notebooks() if module_of(nb) and number(nb)}
    for nb in notebooks():
        for i, c in enumerate(cells(nb), 1):
            if c['cell_type'] != 'code': continue
            try: tree = parse_cell(''.join(c['source']))
            except SyntaxError as e:
                yield f'{rel(nb)} cell {i} is not Python: {e}'
                continue
            for name in sorted({n for _, n in imported(tree)}):
                if name == f'{LIB}.cli': yield f'{rel(nb)} cell {i} imports {name}: nothing imports the command line'
                elif name in number_of and number(nb) and not number_of[name] < number(nb):
                    own = number_of[name] == number(nb)
                    yield f"{rel(nb)} cell {i} imports {name}, {'its own module' if own else 'a later chapter'}"

@check('the package imports neither nbdev nor the command line, and wandb only where it is used',
       'Development tools stay out of the package. Import wandb inside the function or method that logs to it, '
       'so that a run without wandb does not need it.')
def package_imports():
    for py in modules():
        tree = ast.parse(py.read_text(encoding='utf-8'))
        in_functions = {n for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                        for n in ast.walk(f)}
        for node, name in imported(tree):
            if (is_or_in(name, 'nbdev') or is_or_in(name, 'execnb') or is_or_in(name, f'{LIB}.cli')
                    or is_or_in(name, 'wandb') and node not in in_functions):
                yield f'{rel(py)}:{node.lineno} imports {name}'

@check('pyflakes is happy with the package',
       'Correct the notebook and run nbdev_export. An undefined name mostly exists only in the notebook: '
       'import it by name in an exported cell.')
def pyflakes():
    done = subprocess.run([sys.executable, '-m', 'pyflakes', LIB], cwd=ROOT, capture_output=True, text=True)
    yield from (done.stdout + done.stderr).splitlines()

@check('every module imports in a fresh process, without nbdev and wandb',
       'Run `python -c "import ..."` to see the whole error; then correct the notebook and run nbdev_export.')
def modules_import():
    def problem(py):
        code = f'import sys; sys.modules.update(nbdev=None, wandb=None); import {LIB}.{py.stem}'
        done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
        if done.returncode: return f'{LIB}.{py.stem}: ' + (done.stderr.strip().splitlines() or ['killed'])[-1]
    with ThreadPoolExecutor(os.cpu_count()) as pool: yield from filter(None, pool.map(problem, modules()))


# ---- Files --------------------------------------------------------------------------------------------------------

@check('every module has its notebook, and every chapter its module',
       'Run nbdev_export. A module without a notebook is the rest of a renamed one: delete it.')
def orphans():
    exports = [(nb, module_of(nb)) for nb in notebooks()]
    names = [m for _, m in exports if m]
    for py in modules():
        if py.stem not in names: yield f'{rel(py)}: no notebook has `#| default_exp {py.stem}`'
    for nb, m in exports:
        if number(nb) and not m: yield f'{rel(nb)} has no `#| default_exp`'
        if m and not (ROOT/LIB/f'{m}.py').exists(): yield f'{rel(nb)} exports to {LIB}/{m}.py, which is not there'
        if names.count(m) > 1: yield f'{rel(nb)} is not the only notebook that exports to {LIB}/{m}.py'

@check('no notebook or module is unknown to git', 'git add it, or delete it.')
def untracked():
    for p in git_files('--others', '--exclude-standard', '--', LIB, 'nbs'):
        if p.suffix in ('.py', '.ipynb'): yield rel(p)

@check('README.md is what nbs/index.ipynb gives', 'Run: python tools/readme.py')
def readme_current():
    why = readme.problem()
    if why: yield why

@check('nbs/sidebar.yml lists every notebook once, and nothing else',
       'Add the line to nbs/sidebar.yml in reading order, or remove it. A page that is not listed cannot be found.')
def sidebar():
    def files(entry):
        if isinstance(entry, str): yield entry
        elif isinstance(entry, list):
            for e in entry: yield from files(e)
        elif isinstance(entry, dict):
            for k in ('href', 'file', 'contents'): yield from files(entry.get(k))
    listed = list(files(yaml.safe_load((ROOT/'nbs/sidebar.yml').read_text(encoding='utf-8'))['website']['sidebar']))
    there = [nb.relative_to(ROOT/'nbs').as_posix() for nb in notebooks()]
    for name in sorted({*listed, *there}):
        if name not in listed: yield f'nbs/{name} is not listed'
        elif name not in there: yield f'nbs/{name} is listed but not there'
        elif listed.count(name) > 1: yield f'nbs/{name} is listed {listed.count(name)} times'
    chapters = [n for n in listed if number(ROOT/'nbs'/n)]
    if chapters != sorted(chapters): yield 'the chapters are not in the order of their numbers'

@check('notebooks are sound: unique cell ids, no stored errors, no machine paths in outputs, not too large',
       'Ids: delete the `id` of the copy and run nbdev_clean. Errors and paths (mostly from a warning): correct the '
       'cell and run tools/run_notebooks.py. Size: draw smaller or fewer pictures, an image grid as one picture.')
def sound_notebooks():
    for nb in notebooks():
        seen = {}
        for i, c in enumerate(cells(nb), 1):
            if not c.get('id'): yield f'{rel(nb)} cell {i} has no id'
            elif c['id'] in seen: yield f"{rel(nb)} cells {seen[c['id']]} and {i} have the same id {c['id']}"
            seen[c.get('id')] = i
            for o in c.get('outputs', []):
                texts = [o.get('text', ''), *(v for k, v in o.get('data', {}).items() if k.startswith('text/'))]
                path = re.search(r'(?<![\w.])/(?:home|root|tmp|Users|work|usr)/[^\s:\'"]+', '\n'.join(map(''.join, texts)))
                if o['output_type'] == 'error': yield f"{rel(nb)} cell {i} stores an error: {o['ename']}: {o['evalue']}"
                elif path: yield f'{rel(nb)} cell {i} stores an output with the path {path[0]}'
        kb = nb.stat().st_size/1024
        if kb > MAX_KB: yield f'{rel(nb)} has {kb:.0f} KB, the limit is {MAX_KB}'



# ---- Tests --------------------------------------------------------------------------------------------------------

@check('every bug of tools/mutate.py can be planted',
       'The code was changed: say in tools/mutate.py how the same bug looks in it now. What is replaced stands once '
       'in the exported cells of its chapter.')
def mutations():
    chapters = {nb.stem: json.loads(nb.read_text(encoding='utf-8')) for nb in notebooks()}
    for chapter, what, right, _ in mutate.BUGS:
        if chapter not in chapters: yield f'{chapter}: {what}: there is no such chapter'
        elif (n := len(mutate.places(chapters[chapter], right))) != 1: yield f'{chapter}: {what}: {right!r} stands there {n} times'

CLOCK = re.compile(r'(time\.|timeit\.)?(time|perf_counter|monotonic|process_time|thread_time)(_ns)?|(timeit\.)?(timeit|default_timer)|get_ipython\(\)\.run_\w+_magic')

class Times(ast.NodeVisitor):
    """The names of a notebook that hold what a clock said: assigned from it, filled with it, or functions that return it.

    Times that go through an attribute, a file or another process are not seen.
    """
    def __init__(self, names=()): self.names = set(names)
    def reads(self, node):
        return any(isinstance(n, ast.Call) and CLOCK.fullmatch(ast.unparse(n.func)) and 'sleep' not in ast.unparse(n.func)
                   or isinstance(n, ast.Name) and n.id in self.names for n in ast.walk(node))
    def assigned(self, targets, value):
        for target in targets:
            for name in (target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]):
                plain = isinstance(name, ast.Name)
                while isinstance(name, (ast.Subscript, ast.Starred)): name = name.value
                if not isinstance(name, ast.Name): continue
                if self.reads(value): self.names.add(name.id)
                elif plain: self.names.discard(name.id)
    def visit_Assign(self, node): self.generic_visit(node); self.assigned(node.targets, node.value)
    def visit_AugAssign(self, node):
        if self.reads(node.value): self.assigned([node.target], node.value)
    def visit_NamedExpr(self, node): self.generic_visit(node); self.assigned([node.target], node.value)
    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ('append', 'extend', 'update') and any(map(self.reads, node.args)):
            self.assigned([node.func.value], node.args[0])
    def visit_FunctionDef(self, node):
        inner = Times(self.names)
        for n in node.body: inner.visit(n)
        given = [n.value for n in ast.walk(node) if isinstance(n, (ast.Return, ast.Yield)) and n.value is not None]
        (self.names.add if any(map(inner.reads, given)) else self.names.discard)(node.name)
    visit_AsyncFunctionDef = visit_FunctionDef
    def visit_ClassDef(self, node): pass

def compared(node):
    "What `node` claims to be more or less than something, or close to it, if it is an assertion"
    if isinstance(node, ast.Assert):
        yield from (n for n in ast.walk(node.test) if isinstance(n, ast.Compare) and any(isinstance(o, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for o in n.ops))
    elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition('.')[2] in ('test_close', 'assert_close', 'assert_allclose'): yield node

@check('no test that runs unasked depends on speed',
       'A clock says how busy the machine is. Count what makes it slow (calls, steps, bytes), let the test bring a clock '
       'of its own, or show the seconds and assert nothing.')
def clocks():
    for nb in notebooks():
        times = Times()
        for i, c in enumerate(cells(nb), 1):
            source = ''.join(c['source'])
            if c['cell_type'] != 'code' or re.search(r'^#\s*\|\s*(slow|cuda)\b', source, re.M): continue
            try: tree = parse_cell(source)
            except SyntaxError: continue    # an earlier check says so
            times.visit(tree)
            for n in ast.walk(tree):
                for claim in compared(n):
                    if times.reads(claim): yield f"{rel(nb)} cell {i} (id {c.get('id')}) asserts a time: {ast.unparse(claim)[:90]}"

@check('nothing points to places outside the repository', 'Say it here, in the project\'s own words, or leave it out.')
def outside_places():
    private = re.compile(r'(?<![\w.-])(?:/wor[k]/\S*|share[d]/\S*|prototype[s]/\S*)')    # [k]: not to find this line itself
    for path in git_files():
        try: lines = path.read_text(encoding='utf-8').splitlines()
        except (UnicodeDecodeError, FileNotFoundError): continue    # a picture; deleted but not yet from git
        for i, line in enumerate(lines, 1):
            m = private.search(line)
            if m and '"image/' not in line: yield f'{rel(path)}:{i}: {m[0][:60]}'


# ---- Supply chain -------------------------------------------------------------------------------------------------

@check('workflows pin their actions by commit, and a job that may publish runs no command',
       'Write `uses: owner/action@<40 hex digits>  # version`. Build in a job without rights; publish in another.')
def workflows():
    for file in sorted((ROOT/'.github/workflows').glob('*.yml')):
        flow = yaml.safe_load(file.read_text(encoding='utf-8'))
        if 'permissions' not in flow: yield f'{rel(file)} does not limit its permissions'
        for name, job in flow['jobs'].items():
            rights = job.get('permissions', flow.get('permissions')) or {}
            may_write = rights == 'write-all' or isinstance(rights, dict) and 'write' in rights.values()
            for step in job['steps']:
                action = step.get('uses')
                if action and not re.fullmatch(r'[\w.-]+/[\w./-]+@[0-9a-f]{40}', action): yield f'{rel(file)}, {name}: {action} is not pinned'
                if may_write and 'run' in step: yield f'{rel(file)}, {name} may write and runs a command: {step["run"]}'
                if may_write and action and not action.startswith('actions/'): yield f'{rel(file)}, {name} may write and runs {action}'


def main():
    os.chdir(ROOT)
    failed = 0
    for what, advice, f in CHECKS:
        try: problems = list(f())
        except Exception as e: problems = [f'the check itself failed: {type(e).__name__}: {e}']
        print(f"{'FAIL' if problems else 'ok':5}{what}", flush=True)
        for p in problems: print(f'       {p}'.replace('\n', '\n       '))
        if problems: print(f'     -> {advice}')
        failed += bool(problems)
    print(f'\n{len(CHECKS) - failed} of {len(CHECKS)} checks passed')
    return bool(failed)

if __name__ == '__main__': sys.exit(main())
