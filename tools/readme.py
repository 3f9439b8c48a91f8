"""Write README.md from nbs/index.ipynb, so that the home page and the README say the same.

    python tools/readme.py            # write README.md
    python tools/readme.py --check    # write nothing, fail if README.md is not current

Markdown cells are taken as they are, with relative links and pictures made to work from the repository's root.
Code cells become fenced blocks, their text outputs indented ones; hidden cells and nbdev's directives are left out.
Pictures that a cell draws are left out too: put a file into nbs/images/ and show it from a markdown cell.
(nbdev has a command for this, `nbdev_readme`, but it needs Quarto.)
"""
import argparse, difflib, json, posixpath, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX, README = ROOT/'nbs/index.ipynb', ROOT/'README.md'
HEADER = '<!-- Generated from nbs/index.ipynb by tools/readme.py: edit the notebook, not this file. -->'

def split_directives(source):
    "The directives at the top of a cell (`hide`, `echo: false`...), and the code below them"
    lines, directives = source.splitlines(), []
    while lines and re.match(r'\s*(#\s*\||$)', lines[0]):
        directives.append(' '.join(lines.pop(0).strip().lstrip('#| ').split()))
    return {re.sub(r'\s*:\s*', ': ', d).rstrip(': ') for d in directives}, '\n'.join(lines).strip()

def relink(markdown):
    "Make relative links work from the repository's root; code blocks stay as they are"
    def fix(m):
        before, target, anchor = m.groups()
        path = posixpath.normpath(posixpath.join('nbs', target))
        if not (ROOT/path).exists():
            raise ValueError(f'nbs/index.ipynb links to {target}, but there is no {path}. Correct the link, or add it.')
        return before + path + anchor
    parts = re.split(r'(^```.*?^```\s*?$)', markdown, flags=re.M|re.S)
    link = r'(\]\(|\b(?:src|href)=")(?![a-z]+:|[#/])([^)#"\s]+)((?:#[^)"\s]*)?)'
    return ''.join(part if i % 2 else re.sub(link, fix, part) for i, part in enumerate(parts))

def output_text(output):
    "A text output as markdown, or '' for pictures and warnings"
    if output['output_type'] == 'stream': text = output['text'] if output['name'] == 'stdout' else ''
    else:
        data = output.get('data', {})
        if any(k.startswith('image/') for k in data): return ''
        if 'text/markdown' in data: return ''.join(data['text/markdown']).strip()
        text = data.get('text/plain', '')
    lines = [line.rstrip('\r').split('\r')[-1].rstrip() for line in ''.join(text).split('\n')]
    return '\n'.join(f'    {line}'.rstrip() for line in lines).strip('\n')

def readme():
    "The text that README.md should have"
    blocks = [HEADER]
    for cell in json.loads(INDEX.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown': blocks.append(relink(source).strip())
        if cell['cell_type'] != 'code': continue
        directives, code = split_directives(source)
        if directives & {'hide', 'include: false'} or not code: continue
        if not directives & {'hide_input', 'echo: false'}: blocks.append(f'```python\n{code}\n```')
        if not directives & {'hide_output', 'output: false'}: blocks += map(output_text, cell['outputs'])
    return '\n\n'.join(b for b in blocks if b) + '\n'

def problem():
    "What to say when README.md is not current, or None"
    if not INDEX.exists(): return f'there is no {INDEX.relative_to(ROOT)} to make README.md from'
    old = README.read_text(encoding='utf-8') if README.exists() else ''
    try: new = readme()
    except ValueError as e: return str(e)
    if old == new: return None
    diff = difflib.unified_diff(old.splitlines(), new.splitlines(), 'README.md', 'from nbs/index.ipynb', '', '', 1, '')
    return '\n'.join(['README.md is not what nbs/index.ipynb gives:', *list(diff)[:20]])

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing, fail if README.md is not current')
    args = parser.parse_args()
    if args.check:
        why = problem()
        return f'{why}\nRun: python tools/readme.py' if why else 0
    try: README.write_text(readme(), encoding='utf-8')
    except ValueError as e: return str(e)

if __name__ == '__main__': sys.exit(main())
