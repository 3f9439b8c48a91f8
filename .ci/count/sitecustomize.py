"""Make `nbdev_test` leave in the folder $CHAPTERS what it has run: see `leave_records` in tools/run_notebooks.py.

.ci/run puts this folder on PYTHONPATH, so that Python imports this file when nbdev_test starts; its worker processes are forks.
"""
import os, sys
from pathlib import Path

if os.environ.get('CHAPTERS') and any(arg.endswith('/nbdev_test') for arg in sys.orig_argv):
    sys.path.append(str(Path(__file__).resolve().parents[2]/'tools'))
    from run_notebooks import leave_records
    leave_records(os.environ['CHAPTERS'])
