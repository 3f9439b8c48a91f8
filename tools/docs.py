"""Build the website in _docs/ without Quarto, and fail if a page, a picture, a link or a line of a notebook is missing.

    python tools/docs.py            # then: python -m http.server -d _docs

The pages are prepared in _proc/ as `nbdev_docs` does it, and rendered by smalldocs, which reads Quarto's settings.
(nbdev's own commands would try to install Quarto on a machine that has none.) The published site is made by this
tool, too: see .github/workflows/docs.yml. Formulas are drawn by KaTeX, which npm brings, so that no page needs another host.
A signature that cannot be shown or a cell that breaks the documentation is found here, too.
"""
import ast, json, os, re, shutil, subprocess, sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse
import yaml
from pages import copied, number, read_cells, source_of, star_import

ROOT = Path(__file__).resolve().parent.parent


# ---- Notebooks to pages -----------------------------------------------------------------------------------------

def make_pages():
    "Notebooks in _proc/, as the website wants them; returns that folder and the notebooks' own paths"
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    refresh_quarto_yml()             # nbs/nbdev.yml follows settings.ini
    try: pages = proc_nbs(n_workers=min(2, os.cpu_count() or 1), force=True)
    except Exception as e:
        original = str(e.__cause__ or '').split('The above exception')[0].strip(' \n"')
        sys.exit(f'{original}\n\n{e}\n\nOnly imports, exported cells and show_doc run here. Keep imports in cells of their own.')
    notebooks = nbglob(as_path=True)
    missing = [p.name for p in notebooks if not (pages/p.relative_to(get_config().nbs_path)).exists()]
    if missing: sys.exit(f"no page came of {', '.join(missing)}")
    return pages, notebooks

def markdown_cell(text): return dict(cell_type='markdown', metadata={}, source=text)

def page_head(notebook, cfg):
    "The line under a page's title: how to import what the chapter defines, and where its notebook is"
    path = f'{cfg.user}/{cfg.repo}/blob/{cfg.branch}/{notebook.relative_to(ROOT).as_posix()}'
    links = f'[Notebook](https://github.com/{path}) · [Open in Colab](https://colab.research.google.com/github/{path})'
    if imports := star_import(read_cells(notebook)):
        imports = f'```python\n{imports}\n```\n\n'
    return f'::: {{.page-head}}\n{imports}{links}\n:::'

TEST = re.compile(r'\s*(?:assert\b|test_\w+\(|assert_close\(|with ExceptionExpected)', re.M)

def folded(cell):
    "A code cell of a page with the option that folds it, where it is long and not what the page is about"
    s = re.sub(r'^#\|\s*[\w-]+:.*', lambda m: m[0].replace('`', ''), source_of(cell), flags=re.M)    # one in an option ends smalldocs' fence
    first = lambda summary, fold: f'#| code-fold: {fold}\n#| code-summary: "{summary}"\n'
    if 'code-fold: show' in s: return s.replace('code-fold: show', 'code-fold: true')     # what nbdev opens: exported source
    if 'code-fold' in s: return s
    code = [l for l in s.splitlines() if l.strip()]
    if len(code) > 6 and all(re.match(r'(from|import)\b|\s|\)', l) for l in code): return first('Imports: run these first', 'show') + s
    tests = sum(bool(TEST.match(l)) for l in code)
    if len(code) > 8 and 3*tests > len(code) and not cell.get('outputs'): return first('Tests', 'true') + s
    return s

def plain_signature(markdown):
    "A signature without nbdev's `NoneType`, and without the events that every fastai callback inherits"
    markdown = re.sub(r'\(\s*after_create:NoneType=None.*?after_fit:NoneType=None\s*\)', '()', markdown, flags=re.S)
    return markdown.replace('|NoneType', '|None').replace(':NoneType=', '=')

def places(module):
    "Where each function, class and method stands in a module of the library, by the name that show_doc has for it"
    found = {}
    for i, node in enumerate(ast.parse((ROOT/f"{module.replace('.', '/')}.py").read_text()).body if module else ()):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): continue
        found[node.name] = (i, 0)
        if isinstance(node, ast.ClassDef): found |= {f'{node.name}.{o.name}': (i, j) for j, o in enumerate(node.body, 1) if hasattr(o, 'name')}
        elif 'patch' in ' '.join(map(ast.unparse, node.decorator_list)) and (args := node.args.args) and args[0].annotation:
            for cls in re.findall(r'\w+', ast.unparse(args[0].annotation)): found[f'{cls}.{node.name}'] = (i, 0)
    return found

def in_order(cells, places):
    "`cells` with the signatures of each exported cell in the order of its source, and the source after them; nbdev turns it round"
    def place(cell):
        s = source_of(cell)
        if m := re.search(r'^show_doc\(([\w.]+)', s, re.M): return places.get(m[1])
        if 'code-summary: "Exported source"' not in s: return None
        found = [places[m] for m in re.findall(r'^(?:async def|def|class) (\w+)', s, re.M) if m in places]
        return (max(found)[0], 1000) if found else None
    keys, start = [place(c) if c['cell_type'] == 'code' else None for c in cells], 0
    while start < len(cells):
        end = start + 1
        while keys[start] and end < len(cells) and keys[end]: end += 1
        yield from (cells[i] for i in sorted(range(start, end), key=lambda i: keys[i] or ()))
        start = end

def dress(pages, notebooks, cfg):
    "Give each page its number, the line under its title, folded source, and plain signatures in the order of the source"
    for notebook in notebooks:
        path = pages/notebook.relative_to(cfg.nbs_path)
        nb = json.loads(path.read_text())
        front, *rest = nb['cells']
        module = star_import(read_cells(notebook)).split()
        rest = [*in_order(rest, places(module[1] if module else None))]
        meta = yaml.safe_load(source_of(front).strip().strip('-'))
        if number(notebook): meta['title'] = f"{number(notebook)} {meta['title']}"
        front['source'] = f"---\n{yaml.safe_dump(meta, allow_unicode=True, sort_keys=False)}---\n"
        for c in rest:
            if c['cell_type'] != 'code': continue
            c['source'] = folded(c)
            for data in (o.get('data', {}) for o in c['outputs']):
                if 'text/markdown' in data: data['text/markdown'] = plain_signature(''.join(data['text/markdown']))
        head = [] if notebook.name == cfg.readme_nb else [markdown_cell(page_head(notebook, cfg))]
        nb['cells'] = [front, *head, *rest]
        path.write_text(json.dumps(nb))

def first_line(node): return re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', (ast.get_docstring(node) or '').partition('\n')[0])    # without links

def api_index(pages, cfg):
    "A page with every public name, its first line and a link, by chapter"
    from importlib import import_module
    where = import_module(f'{cfg.lib_name}._modidx').d['syms']
    yield '---\ntitle: All names\ndescription: Every public class and function, by chapter.\n---\n'
    for notebook in sorted(cfg.nbs_path.glob('*.ipynb')):
        imports = star_import(read_cells(notebook))
        if not imports: continue
        module = imports.split()[1]
        tree = ast.parse((ROOT/f"{module.replace('.', '/')}.py").read_text())
        shown = {n.name: n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
        names = [n for n in shown if not n.startswith('_') and f'{module}.{n}' in where[module]]
        if not names: continue
        page = (pages/notebook.name).read_text()
        yield f"## {number(notebook)} {module.partition('.')[2]}\n\n| name | what it does |\n|---|---|"
        for n in sorted(names, key=str.lower):
            what = re.sub(r'`([^`]*)`', r'<code>\1</code>', first_line(shown[n]).replace('|', '\\|'))
            link = f"[`{n}`]({where[module][f'{module}.{n}'][0]})" if f'show_doc({n})' in page else f'`{n}`'
            yield f'| {link} | {what} |'
        yield ''

def more_pages(pages, cfg):
    "Pages that are made of something else than a notebook, at the end of the sidebar"
    (pages/'api.md').write_text('\n'.join(api_index(pages, cfg)))
    title, _, changes = (ROOT/'CHANGELOG.md').read_text().partition('\n')
    (pages/'changelog.md').write_text(f"---\ntitle: {title.strip('# ')}\n---\n{changes}")
    sidebar = pages/'sidebar.yml'
    sidebar.write_text(sidebar.read_text().rstrip() + '\n          - api.md\n          - changelog.md\n')

def for_smalldocs(pages, host, version):
    "Name the notebooks as Quarto names their pages, make links within the site relative, leave out what smalldocs does not know"
    names = {}
    for nb in pages.rglob('*.ipynb'):
        out = re.search(r'output-file: ([\w-]+)\.html', ''.join(json.loads(nb.read_text())['cells'][0]['source']))
        names[nb.name] = (out[1] if out else nb.stem) + '.ipynb'
    renamed = lambda m: m[1] + names.get(m[2], m[2])
    for nb in list(pages.rglob('*.ipynb')):
        text = nb.read_text().replace(host, '../'*(len(nb.relative_to(pages).parts) - 1))
        text = re.sub(r'output-file: [\w-]+\.html\\n', '', text)
        nb.unlink()
        (nb.parent/names[nb.name]).write_text(re.sub(r'(\]\((?:[\w.-]+/)*)([\w-]+\.ipynb)', renamed, text))
    sidebar = pages/'sidebar.yml'
    sidebar.write_text(re.sub(r'([ /])([\w-]+\.ipynb)', renamed, sidebar.read_text()))
    quarto = pages/'_quarto.yml'
    text = re.sub(r'^ *(keep-md|commonmark|grid|body-width):.*\n', '', quarto.read_text(), flags=re.M)
    quarto.write_text(text.replace('VERSION', version))

def at_home(site, work):
    "Let the pages load KaTeX from the site itself, and do without the themes' web fonts"
    from smalldocs.layout import KATEX
    npm = shutil.which('npm')
    if npm is None: sys.exit('formulas need KaTeX, which npm brings: install Node.js')
    subprocess.run([npm, 'install', '--loglevel=error', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', f'--prefix={work}', 'katex@0.16.22'], check=True)
    dist, to = work/'node_modules'/'katex'/'dist', site/'site_libs'/'katex'
    (to/'contrib').mkdir(parents=True)
    shutil.copytree(dist/'fonts', to/'fonts')
    for name in ('katex.min.css', 'katex.min.js', 'contrib/auto-render.min.js'): shutil.copy(dist/name, to/name)
    for css in (site/'site_libs'/'themes').glob('*.css'): css.write_text(re.sub(r'@import url\([^)]*\);', '', css.read_text()))
    for page in site.rglob('*.html'):
        page.write_text(page.read_text().replace(KATEX, '../'*(len(page.relative_to(site).parts) - 1) + 'site_libs/katex'))


class Prose(HTMLParser):
    "The sections of a page, `(id, heading, text)`, without code and outputs: what a search should look through"
    SKIPPED = 'div.sourceCode', 'pre', 'table.dataframe', 'nav', 'summary', 'div.page-head', 'script', 'style'
    VOID = 'img', 'br', 'hr', 'input', 'meta', 'link', 'wbr'

    def __init__(self, text):
        super().__init__()
        self.sections, self.open, self.skip, self.heading = [['', '', '']], [], 0, None
        self.feed(text[text.index('<main'):text.index('</main>')])
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == 'img' and not self.skip: self.sections[-1][2] += f" {attrs.get('alt') or ''} "
        if tag in self.VOID: return
        names = {tag, *(f'{tag}.{c}' for c in (attrs.get('class') or '').split())}
        skips = bool(names.intersection(self.SKIPPED))
        self.open.append((tag, skips))
        self.skip += skips
        if tag in ('h2', 'h3', 'h4') and not self.skip:
            self.sections.append([attrs.get('data-anchor-id') or attrs.get('id') or '', '', ''])
            self.heading = tag
    def handle_endtag(self, tag):
        while self.open:
            opened, skips = self.open.pop()
            self.skip -= skips
            if opened == tag: break
        if tag == self.heading: self.heading = None
    def handle_data(self, data):
        if not self.skip: self.sections[-1][1 if self.heading else 2] += data

SPELLINGS = [(r'(al|ar|er|im|or)is(ation|e[ds]?|ing)\b', r'\1iz\2'), (r'\b(col)our', r'\1or'), ('grey', 'gray')]

def spelt_otherwise(text):
    "The words of `text` that a reader may type in another way: without hyphen, or in American English"
    for word in set(re.findall(r"[A-Za-z]+(?:-[A-Za-z]+)*", text)):
        if '-' in word: yield word.replace('-', ' ')
        for pattern, other in SPELLINGS:
            if re.search(pattern, word): yield re.sub(pattern, other, word)

def searchable(site):
    """Let the search look for words in the prose, where it would find letters in any order in all the code.

    Each page has an entry for its whole text, in which several words are found wherever they stand, and one for each
    section. Pages that answer a question come first, and among all pages those that have the words side by side."""
    entries = []
    titles = {e['href'].partition('#')[0]: e['title'] for e in json.loads((site/'search.json').read_text())}
    for href, title in titles.items():
        sections = [(anchor, ' '.join(heading.split()), ' '.join(text.split())) for anchor, heading, text in Prose((site/href).read_text()).sections]
        whole = ' '.join(f'{heading} {text}' for _, heading, text in sections)
        for anchor, heading, text in [('', '', whole), *(s for s in sections if s[0])]:
            to = f'{href}#{anchor}' if anchor else href
            boost = (0.2 if href.startswith('howto/') else 0.6 if href.startswith('tutorials/') else 1)*(1 if anchor else 0.3)
            text = f"{text} {' '.join(spelt_otherwise(text))}".strip()
            entries.append(dict(objectID=to, href=to, title=title, section=heading, text=text, boost=boost))
    (site/'search.json').write_text(json.dumps(entries, ensure_ascii=False))
    found, = [p for p in site.rglob('smalldocs.js')]
    text = found.read_text()
    for old, new in {'ignoreLocation: true, threshold: 0.3': 'ignoreLocation: true, threshold: 0.0, useExtendedSearch: true, includeScore: true',
                     'fuse.search(q, { limit }).map((h) => h.item)':
                     'fuse.search(q).map((h) => [h.score*h.item.boost*(h.item.text.toLowerCase().includes(q.toLowerCase()) ? 0.1 : 1), h.item])'
                     '.sort((a, b) => a[0] - b[0]).slice(0, limit).map((h) => h[1])'}.items():
        if old not in text: sys.exit('smalldocs searches in another way now: look at `searchable` in tools/docs.py')
        text = text.replace(old, new)
    found.write_text(text)

def contents_for_telephones(site):
    "A folded list of the sections under the title, where a narrow screen has no room for the one at the side"
    for page in site.rglob('*.html'):
        text = page.read_text()
        toc = re.search(r'<nav id="TOC"[^>]*>.*?(<ul>.*?)</nav>', text, re.S)
        if toc and '</header>' in text:
            links = re.sub(r' (id|data-scroll-target)="[^"]*"', '', toc[1])      # an id stays unique
            small = f'<details class="contents-small"><summary>On this page</summary>{links}</details>'
            head, sep, rest = text.partition('<main')
            page.write_text(head + sep + rest.replace('</header>', '</header>' + small, 1))


# ---- What a reader would stumble over ---------------------------------------------------------------------------

class Links(HTMLParser):
    "The ids of a page, what it loads, where it leads, and its text"
    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.leads, self.text, self.prose, self.alts, self.pre, self.unnamed = {''}, [], [], '', '', '', 0, 0
        self.feed(text)
    def handle_data(self, data):
        self.text += data
        if not self.pre: self.prose += data
    def handle_endtag(self, tag): self.pre -= tag == 'pre'
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.pre += tag == 'pre'
        self.ids |= {attrs.get('id'), attrs.get('name')}
        if 'src' in attrs: self.loads.append(attrs['src'])
        if tag == 'img': self.alts += attrs.get('alt') or ''
        if tag == 'img' and not (attrs.get('alt') or '').strip(): self.unnamed += 1
        if 'href' in attrs: (self.leads if tag == 'a' else self.loads).append(attrs['href'])

def faults(site):
    "What is wrong with the links and pictures of the pages below `site`"
    pages = {p: Links(p.read_text()) for p in sorted(site.rglob('*.html'))}
    for page, links in pages.items():
        name = page.relative_to(site)
        if links.unnamed: yield f'{name}: {links.unnamed} pictures without a text for those who do not see them: `#| fig-alt: "..."` in the cell'
        for url in links.loads:
            if urlparse(url).scheme in ('http', 'https') and 'canonical' not in url and not url.startswith(SITE): yield f'{name} loads {url} from another host'
        for url in links.loads + links.leads:
            if urlparse(url).scheme or url.startswith('//'): continue
            path, anchor = urldefrag(url)
            to = (page.parent/unquote(path)).resolve() if path else page
            if to.is_dir(): to = to/'index.html'
            if not to.exists(): yield f'{name}: no such file: {url}'
            elif to in pages and unquote(anchor) not in pages[to].ids: yield f'{name}: no such place: {url}'
        for text in [*re.findall(r'[^\n]{,40}\]\([\w/.-]+\.html[^\n]{,20}', links.text),
                     *re.findall(r'[^\n]{,40}\]\([\w/.-]+\.ipynb[^\n]{,20}', links.prose)]: yield f'{name}: not made a link: {text}'

MARKUP = re.compile(r'''(?xms) \$\$.*?\$\$ | \$[^$\n]+\$ | <[^>]+> | ```+[^\n]* | !?\[ | \]\((?:[^()]|\([^()]*\))*\)
                        | ^\s*\d+\.\s | ^\s*:::.*?$ | ^\|[-|:\ ]+\|$ | \\\\ | &\w+; | \|''')

def letters(text): return re.sub(r'[\W_]+', '', text).lower()

def lines_to_see(cells):
    "What a reader should see of `cells`, line by line: prose without its markup, visible code and its text outputs"
    visible = {c['id'] for c in copied(cells)}
    for c in cells:
        s = source_of(c)
        if c['cell_type'] == 'markdown' and not s.strip().endswith(' -'): yield from ((c['id'], l) for l in MARKUP.sub('\n', s).splitlines())
        elif c['id'] in visible:
            yield from ((c['id'], l) for l in s.splitlines() if not re.match(r'\s*(#\s*\||%)', l))
            for o in c['outputs']:
                text = o.get('text') or (o['data'].get('text/plain', '') if len(o['data']) == 1 else '')
                yield from ((c['id'], l) for l in ''.join(text).splitlines())

def dropped(site, notebooks, folder):
    "What `notebooks` show and their pages below `site` do not: nbdev and smalldocs leave things out without a word"
    for nb in notebooks:
        page = (site/nb.relative_to(folder)).with_name(nb.stem.removeprefix(f'{number(nb)}_') + '.html')
        links = Links(page.read_text())
        there = letters(links.text + links.alts)
        for id, line in lines_to_see(read_cells(nb)):
            if len(letters(line)) > 3 and letters(line) not in there: yield f'{nb.relative_to(folder)}, cell {id}: not on the page: {line.strip()[:80]}'

def without_outputs(notebooks):
    "Notebooks that have code to show and no output"
    for nb in notebooks:
        code = [c for c in json.loads(nb.read_text())['cells'] if c['cell_type'] == 'code']
        if code and not any(c['outputs'] for c in code): yield f'{nb.relative_to(ROOT)} stores no output: run tools/run_notebooks.py on it'

def main():
    global SITE
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))    # the processes that make the pages import the local package
    from nbdev.config import get_config
    cfg = get_config()
    SITE = f'{cfg.doc_host}{cfg.doc_baseurl}/'
    pages, notebooks = make_pages()
    dress(pages, notebooks, cfg)
    more_pages(pages, cfg)
    for_smalldocs(pages, SITE, cfg.version)
    site = ROOT/'_docs'
    shutil.rmtree(site, ignore_errors=True)
    subprocess.run([sys.executable, '-m', 'smalldocs.cli', 'render', '--quiet', '--strict', str(pages)], check=True)
    shutil.move(pages/'_docs', site)
    at_home(site, pages)
    searchable(site)
    contents_for_telephones(site)
    wrong = [*without_outputs(notebooks), *faults(site), *dropped(site, notebooks, cfg.nbs_path)]
    if wrong: return '\n'.join(wrong)
    print(f'{len(list(site.rglob("*.html")))} pages in {site.relative_to(ROOT)}/')

if __name__ == '__main__': sys.exit(main())
