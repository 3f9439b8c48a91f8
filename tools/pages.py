"What a notebook shows to a reader of the website; checks.py, docs.py and run_notebooks.py ask here."
import json, re

EXPORTED = re.compile(r'^#\s*\|\s*export[is]?\b', re.M)
HIDDEN = re.compile(r'^#\s*\|\s*(?:hide|hide_input|default_exp)\b|^#\s*\|\s*(?:echo|include)\s*:\s*false', re.M)

def source_of(cell): return ''.join(cell['source'])

def read_cells(path): return json.loads(path.read_text(encoding='utf-8'))['cells']

def number(path):
    "'02a' of nbs/02a_data.ipynb: sorts in reading order; None where the notebook is no chapter"
    m = re.match(r'(\d\d[a-z]?)_', path.name)
    return m[1] if m and path.parent.name == 'nbs' else None

def module_of(cells):
    "The module that a notebook with these `cells` exports to, or None"
    for c in cells:
        m = re.search(r'^\s*#\s*\|\s*default_exp\s+(\S+)', source_of(c), re.M)
        if m and c['cell_type'] == 'code': return m[1]

def star_import(cells):
    "The import that the website prints at the top of a chapter's page; '' where the notebook exports nothing"
    module = module_of(cells)
    return f'from ddpm_nb.{module} import *' if module else ''

def copied(cells):
    "The code cells that somebody who copies a page has: those with visible code, which the module does not hold already"
    for c in cells:
        s = source_of(c)
        if c['cell_type'] == 'code' and s.strip() and not (EXPORTED.search(s) or HIDDEN.search(s) or 'nbdev_export(' in s or 'show_doc(' in s): yield c
