"""Check what keeps the project in shape and no notebook test would notice.

    python tools/checks.py             # all checks
    python tools/checks.py --changed   # and test the notebooks that differ from the branch `main`, and all that import them

Prints one line for each check, and for one that fails what is wrong and what to do about it. Needs the `dev` extra.
"""
import ast, os, re, subprocess, sys, warnings
from functools import cache
from importlib import import_module
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from nbdev.doclinks import nbglob
from pyflakes import checker
from pyflakes.messages import UndefinedName
import yaml
import mutate
import pages
import readme

ROOT = Path(__file__).resolve().parent.parent
LIB = 'ddpm_nb'
MAX_KB = 400
EXPORT = pages.EXPORTED
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
cells = pages.read_cells

number = pages.number

def module_of(path): return pages.module_of(cells(path))

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
            shown = not EXPORT.search(''.join(c['source']))     # a page may show what its module does before the code comes
            for name in sorted({n for _, n in imported(tree)}):
                if name == f'{LIB}.cli': yield f'{rel(nb)} cell {i} imports {name}: nothing imports the command line'
                elif name in number_of and number(nb) and not (number_of[name] < number(nb) or shown and number_of[name] == number(nb)):
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
    for problem in (done.stdout + done.stderr).splitlines():
        where = re.match(r'(.+?):(\d+):', problem)      # what is imported for the methods that it adds says so
        line = (ROOT/where[1]).read_text(encoding='utf-8').splitlines()[int(where[2]) - 1] if where else ''
        if 'imported but unused' not in problem or '# for its @patch' not in line: yield problem

@check('every module imports in a fresh process, without nbdev and wandb',
       'Run `python -c "import ..."` to see the whole error; then correct the notebook and run nbdev_export.')
def modules_import():
    done = subprocess.run([sys.executable, '-c', IMPORT_EACH, *(f'{LIB}.{py.stem}' for py in modules())], cwd=ROOT, capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode: yield (done.stderr.strip().splitlines() or ['killed'])[-1]

# One process imports the slow libraries once. Each module is then imported in a copy of that process (a fork), in which
# no module of ours is loaded yet.
IMPORT_EACH = """
import importlib, os, sys
sys.modules.update(nbdev=None, wandb=None)
import torch, torchvision, fastai.vision.all, scipy, sklearn.datasets, pandas, matplotlib.pyplot
for name in sys.argv[1:]:
    if pid := os.fork(): os.waitpid(pid, 0); continue
    try: importlib.import_module(name)
    except BaseException as e: print(f'{name}: {type(e).__name__}: {e}', flush=True)
    os._exit(0)
"""


# ---- Rooms one can live in ----------------------------------------------------------------------------------------

MAX_LINES, MAX_LENGTH, MAX_ROW = 320, 120, 3

def code_cells(path):
    "(id, source, whether it is exported) of the code cells of a notebook, without empty cells and `default_exp`"
    for c in cells(path):
        source = ''.join(c['source'])
        if c['cell_type'] != 'code' or not source.strip() or re.search(r'^#\s*\|\s*default_exp', source, re.M): continue
        yield c.get('id'), source, bool(EXPORT.search(source))

def only_imports(source):
    "Whether a cell holds imports, or the list of names that a module hands on, and nothing else"
    return '_all_ =' in source or all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.parse(source).body)

@check(f'a chapter exports at most {MAX_LINES} lines, none over {MAX_LENGTH} characters, at most {MAX_ROW} cells without showing one',
       'Split the chapter. Put a message on its own line, or a check into a `_check_…` above. Show or test one idea before the next '
       'comes. Blank lines, comments and imports do not count as lines.')
def small_rooms():
    for nb in notebooks():
        lines = row = 0
        for id, source, exported in code_cells(nb):
            if not exported: row = 0; continue
            yield from (f'{rel(nb)} (id {id}) has a line of {len(l)} characters: {l.strip()[:60]}…' for l in source.split('\n') if len(l) > MAX_LENGTH)
            if only_imports(source): continue
            row, lines = row + 1, lines + sum(bool(l.strip()) and not l.strip().startswith('#') for l in source.split('\n'))
            if row == MAX_ROW + 1: yield f'{rel(nb)} (id {id}) is exported cell number {row} in a row'
        if lines > MAX_LINES: yield f'{rel(nb)} exports {lines} lines'

@check('no room takes a private name from another', 'Give what two rooms need a public name in the lower one.')
def private_imports():
    for nb in notebooks():
        for id, source, exported in code_cells(nb):
            if not exported: continue
            for node in ast.walk(parse_cell(source)):
                if isinstance(node, ast.ImportFrom) and is_or_in(node.module or '', LIB):
                    for a in node.names:
                        if a.name.startswith('_'): yield f'{rel(nb)} (id {id}) imports {a.name} from {node.module}'


def tables():
    "Each `Table` that a chapter makes: its name, the argument that takes one of its names, the names, and the module"
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'Table' and len(node.args) == 2:
                name, parameter = (o.value for o in node.args)
                yield name, parameter, {k.arg for k in node.keywords}

@check('lists of names exist once, as tables',
       'Write `samplers` (in backticks) in the comment beside the parameter, and list every name in the table of a page.')
def lists():
    "Docments that list the names of a table, and tables on pages that lack some of them"
    known = {parameter: (name, names) for name, parameter, names in tables()}
    for path in modules():
        for i, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            m = re.match(r'\s+(\w+)\s*[=:,].*?#(.*)', line)
            if not m or m[1] not in known: continue
            name, names = known[m[1]]
            listed = set(re.findall(r"'(\w+)'", m[2])) & names
            if len(listed) > 1 and 2*len(listed) > len(names): yield f'{rel(path)}:{i} lists {", ".join(sorted(listed))}, which `{name}` does'
    for path in notebooks():
        for c in cells(path):
            if c['cell_type'] != 'markdown': continue
            for head, rows in re.findall(r'^\|\s*(\w+)\s*\|.*\n\|[-|: ]+\n((?:\|.*\n?)+)', ''.join(c['source']), re.M):
                if head not in known: continue
                name, names = known[head]
                shown = set(re.findall(r"^\|\s*`'?(\w+)'?`", rows, re.M))
                if shown and names - shown: yield f'{rel(path)}, cell {c["id"]}: the table of {name} lacks {", ".join(sorted(names - shown))}'


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

@check('the home page names each chapter by its number and title', 'Write `[02a Data](02a_data.ipynb)` into its table of chapters, as the sidebar says it.')
def home_names():
    home = '\n'.join(pages.source_of(c) for c in cells(ROOT/'nbs/index.ipynb'))
    for nb in notebooks():
        if not number(nb): continue
        title = next(pages.source_of(c) for c in cells(nb) if c['cell_type'] == 'markdown').split('\n')[0].lstrip('# ').replace('`', '')
        if not re.search(rf'\[(\*\*|){re.escape(f"{number(nb)} {title}")}\1\]\({nb.name}\)', home): yield f'{number(nb)} {title}'

@check('imports of a chapter stand in cells of their own',
       'nbdev runs every cell with an import when it makes the pages, where the names of the other cells are missing.')
def lone_imports():
    for nb in filter(module_of, notebooks()):
        for id, source, _ in code_cells(nb):
            try: kinds = {isinstance(n, (ast.Import, ast.ImportFrom)) for n in parse_cell(source).body}
            except SyntaxError: continue    # an earlier check says so
            if len(kinds) == 2: yield f'{rel(nb)} (id {id})'

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

@check('no prose stands where nbdev drops it',
       "A title's cell holds `# title` and one line `> subtitle`. nbdev drops everything else in it, and the whole cell of a "
       'heading that ends with a dash. Give the prose a cell of its own. `tools/docs.py` finds whatever else is missing on a page.')
def dropped_prose():
    for nb in notebooks():
        prose = [c for c in cells(nb) if c['cell_type'] == 'markdown']
        if prose and not re.fullmatch(r'# \S.*(\n+> \S.*)?\s*', pages.source_of(prose[0])):
            yield f"{rel(nb)} (id {prose[0].get('id')}): more than a title and a subtitle, or no title"
        for c in prose:
            s = pages.source_of(c).strip()
            if s.startswith('#') and s.endswith(' -') and '\n' in s: yield f"{rel(nb)} (id {c.get('id')}): {s.splitlines()[0]}"


# ---- Tests --------------------------------------------------------------------------------------------------------

@check('every bug of tools/mutate.py can be planted',
       'The code was changed: say in tools/mutate.py how the same bug looks in it now. What is replaced stands once '
       'in the exported cells of all chapters.')
def mutations():
    books = mutate.chapters()
    for what, right, _ in mutate.BUGS:
        try: mutate.chapter_of(right, books)
        except ValueError as e: yield f'{what}: {e}'

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

@cache
def named(star):
    "`from module import *` with the names that it brings, in place of the star"
    module = star.split()[1]
    file = ROOT/f"{module.replace('.', '/')}.py"
    if file.exists():
        tree = ast.parse(file.read_text(encoding='utf-8'))
        names, = [ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__']
    else:
        found = import_module(module)
        names = getattr(found, '__all__', [n for n in vars(found) if n[0] != '_'])
    return f"from {module} import {', '.join(names)}" if names else ''

@check('what stands on a page runs when it is copied: its visible cells use no name that they do not bring',
       'Import it in a visible cell, show the helper, or hide the cell that uses it. '
       '`tools/run_notebooks.py --copied NOTEBOOK` runs what a reader would copy.')
def copyable():
    for nb in notebooks():
        source, ids = '', []
        for id, s in [('the top', pages.star_import(cells(nb))), *((c['id'], pages.source_of(c)) for c in pages.copied(cells(nb)))]:
            s = TransformerManager().transform_cell(re.sub(r'^from \S+ import \*', lambda m: named(m[0]), s, flags=re.M))
            source, ids = source + s, ids + [id]*s.count('\n')
        for m in checker.Checker(ast.parse(source)).messages:
            if isinstance(m, UndefinedName): yield f'{rel(nb)}, cell {ids[m.lineno - 1]}: {m.message_args[0]}'

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


def test_changed():
    "Run the tests of the notebooks that differ from `main`, and of all that import them; whether one failed"
    names = subprocess.run(['git', 'diff', '--name-only', 'main', '--', 'nbs'], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    chosen = mutate.importers([nb for nb in notebooks() if rel(nb) in names])
    print(f'\n{len(chosen)} notebooks differ from main, or import one that does')
    return any(subprocess.run(['nbdev_test', '--path', str(nb), '--do_print', '--n_workers', '0'], cwd=ROOT).returncode for nb in chosen)

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
    return bool(failed) | ('--changed' in sys.argv[1:] and test_changed())

if __name__ == '__main__': sys.exit(main())
