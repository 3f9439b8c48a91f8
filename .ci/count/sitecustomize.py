"""Make `nbdev_test` leave a line in $CHAPTER_LOG for each notebook it runs: path, cells that ran, passed or failed.

nbdev_test prints only `Success.`, and says the same of a notebook whose every cell it skipped. .ci/run puts this
folder on PYTHONPATH, so that Python imports this file when nbdev_test starts; its worker processes are forks and
inherit it. Nothing about the test itself changes.
"""
import os, sys

if os.environ.get('CHAPTER_LOG') and any(arg.endswith('/nbdev_test') for arg in sys.orig_argv):
    from execnb.shell import CaptureShell
    run_all = CaptureShell.run_all

    def counted(self, nb, *args, preproc, **kwargs):
        cells, outcome = 0, 'failed'
        def count(cell):
            nonlocal cells
            skip = preproc(cell)
            cells += cell.cell_type == 'code' and bool(cell.source.strip()) and not skip
            return skip
        try:
            run_all(self, nb, *args, preproc=count, **kwargs)
            outcome = 'passed'
        finally:
            with open(os.environ['CHAPTER_LOG'], 'a') as f: f.write(f'{os.path.abspath(nb.path_)}\t{cells}\t{outcome}\n')

    CaptureShell.run_all = counted
