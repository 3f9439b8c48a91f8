"""Build the website in _docs/ without Quarto, and fail if a page, a picture or a link is missing.

    python tools/docs.py            # then: python -m http.server -d _docs

The pages are prepared in _proc/ as `nbdev_docs` does it, and rendered by smalldocs, which reads Quarto's settings.
(nbdev's own commands would try to install Quarto on a machine that has none.) The published site is made by this
tool, too: see .github/workflows/docs.yml. Formulas are drawn by KaTeX, which npm brings, so that no page needs another host.
A signature that cannot be shown or a cell that breaks the documentation is found here, too.
"""
import json, os, re, shutil, subprocess, sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

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

def for_smalldocs(pages, host):
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
    quarto.write_text(re.sub(r'^ *(keep-md|commonmark|grid|body-width):.*\n', '', quarto.read_text(), flags=re.M))

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


# ---- What a reader would stumble over ---------------------------------------------------------------------------

class Links(HTMLParser):
    "The ids of a page, what it loads, where it leads, and its text"
    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.leads, self.text = {''}, [], [], ''
        self.feed(text)
    def handle_data(self, data): self.text += data
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get('id'), attrs.get('name')}
        if 'src' in attrs: self.loads.append(attrs['src'])
        if 'href' in attrs: (self.leads if tag == 'a' else self.loads).append(attrs['href'])

def faults(site):
    "What is wrong with the links and pictures of the pages below `site`"
    pages = {p: Links(p.read_text()) for p in sorted(site.rglob('*.html'))}
    for page, links in pages.items():
        name = page.relative_to(site)
        for url in links.loads:
            if urlparse(url).scheme in ('http', 'https') and 'canonical' not in url and not url.startswith(SITE): yield f'{name} loads {url} from another host'
        for url in links.loads + links.leads:
            if urlparse(url).scheme or url.startswith('//'): continue
            path, anchor = urldefrag(url)
            to = (page.parent/unquote(path)).resolve() if path else page
            if to.is_dir(): to = to/'index.html'
            if not to.exists(): yield f'{name}: no such file: {url}'
            elif to in pages and unquote(anchor) not in pages[to].ids: yield f'{name}: no such place: {url}'
        for text in re.findall(r'[^\n]{,40}\]\([\w/.-]+\.html[^\n]{,20}', links.text): yield f'{name}: not made a link: {text}'

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
    for_smalldocs(pages, SITE)
    site = ROOT/'_docs'
    shutil.rmtree(site, ignore_errors=True)
    subprocess.run([sys.executable, '-m', 'smalldocs.cli', 'render', '--quiet', '--strict', str(pages)], check=True)
    shutil.move(pages/'_docs', site)
    at_home(site, pages)
    wrong = [*without_outputs(notebooks), *faults(site)]
    if wrong: return '\n'.join(wrong)
    print(f'{len(list(site.rglob("*.html")))} pages in {site.relative_to(ROOT)}/')

if __name__ == '__main__': sys.exit(main())
