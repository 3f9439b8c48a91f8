"""Prepare the documentation pages in _proc/ as `nbdev_docs` does before it calls Quarto, and fail if a page cannot be made.

    python tools/docs.py

A signature that cannot be shown or a cell that breaks the documentation is found here, without Quarto. (nbdev's own
`nbdev_proc_nbs` would try to install Quarto on a machine that has none.)
"""
import os, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def main():
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))    # the processes that make the pages import the local package
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    refresh_quarto_yml()             # nbs/nbdev.yml follows settings.ini
    try: pages = proc_nbs(n_workers=min(2, os.cpu_count() or 1), force=True)
    except Exception as e:
        original = str(e.__cause__ or '').split('The above exception')[0].strip(' \n"')
        return f'{original}\n\n{e}\n\nOnly imports, exported cells and show_doc run here. Keep imports in cells of their own.'
    notebooks = nbglob(as_path=True)
    missing = [p.name for p in notebooks if not (pages/p.relative_to(get_config().nbs_path)).exists()]
    if missing: return f"no page came of {', '.join(missing)}"
    print(f'{len(notebooks)} pages in {pages.relative_to(ROOT)}/')

if __name__ == '__main__': sys.exit(main())
