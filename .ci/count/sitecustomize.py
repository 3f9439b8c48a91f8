"""Make `nbdev_test` leave in the folder $CHAPTERS, for each notebook it runs, a JSON file: its path, passed or failed, the cells that ran and their outputs.

nbdev_test prints only `Success.`, says the same of a notebook whose every cell it skipped, and throws the outputs
away. .ci/run puts this folder on PYTHONPATH, so that Python imports this file when nbdev_test starts; its worker
processes are forks and inherit it. Nothing about the test itself changes. `tools/run_notebooks.py --ran FOLDER`
reads what is left.
"""
import json, os, sys

if os.environ.get('CHAPTERS') and any(arg.endswith('/nbdev_test') for arg in sys.orig_argv):
    from execnb.shell import CaptureShell
    run_all = CaptureShell.run_all

    def recorded(self, nb, *args, preproc, **kwargs):
        cells, outcome = [], 'failed'
        def record(cell):
            skip = preproc(cell)
            if not skip and cell.cell_type == 'code':
                cell.outputs = []    # execnb leaves the old ones if there are no new ones
                if cell.source.strip(): cells.append(cell)
            return skip
        try:
            run_all(self, nb, *args, preproc=record, **kwargs)
            outcome = 'passed'
        finally:
            path = os.path.abspath(nb.path_)
            done = dict(path=path, outcome=outcome, cells=[dict(id=c.id, outputs=c.outputs) for c in cells])
            with open(os.path.join(os.environ['CHAPTERS'], path.replace(os.sep, '%') + '.json'), 'w') as f: json.dump(done, f)

    CaptureShell.run_all = recorded
