"""Open every page of the website in a real browser, and fail on anything a reader would stumble over.

    python tools/docs.py && python tools/browse.py [FOLDER]    # screenshots go to FOLDER, if it is given

Needs the extra `site` and a Chromium (`apt-get install chromium`, or `playwright install chromium`). The pages are
served on the loopback address. Looked for: errors on the console, requests that fail or go to another host, pictures
that do not show, formulas that are not drawn, code that is cut off, pages that scroll sideways on a telephone or have no
list of their sections there, a search that does not lead to the page that is about a word, links of the sidebar that lead
to another page than they say, a dark mode that stays light.
"""
import shutil, sys, threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent/'_docs'
CLOSED = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
RAW_MATHS = r'''() => [...document.querySelectorAll('main .math')].filter(o => !o.querySelector('.katex, math')).length'''
BROKEN = '() => [...document.images].filter(o => !(o.complete && o.naturalWidth)).map(o => o.src.slice(0, 80))'
CUT_OFF = '''() => [...document.querySelectorAll('main pre')].filter(o => o.offsetParent && o.scrollWidth > o.clientWidth + 1).length'''
SECTIONS = '''() => !document.querySelector('#TOC') || !!document.querySelector('.contents-small')?.offsetParent'''
SIDEWAYS = '() => document.documentElement.scrollWidth - document.documentElement.clientWidth'

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def visit(page, url, faults):
    "Open `url`, and note what goes wrong there"
    page.goto(url, wait_until='networkidle')
    name = url.rsplit('/', 1)[-1]
    faults += [f'{name}: a picture does not show: {o}' for o in page.evaluate(BROKEN)]
    if n := page.evaluate(RAW_MATHS): faults.append(f'{name}: {n} formulas are not drawn')
    if n := page.evaluate(CUT_OFF): faults.append(f'{name}: {n} blocks of code are cut off')
    page.set_viewport_size(dict(width=390, height=844))
    if not page.evaluate(SECTIONS): faults.append(f'{name}: a telephone shows no list of sections')
    if (n := page.evaluate(SIDEWAYS)) > 0: faults.append(f'{name}: scrolls sideways by {n} pixels on a telephone')
    page.set_viewport_size(dict(width=1280, height=900))

def follow(page, root, faults):
    "Click each link of the sidebar: the page's title must be what the link says; returns how many there are"
    page.goto(root + 'index.html', wait_until='networkidle')
    links = page.locator('#quarto-sidebar a.sidebar-link')
    for i in range(links.count()):
        said = links.nth(i).inner_text().strip()
        if not said or not links.nth(i).get_attribute('href'): continue
        links.nth(i).click()
        page.wait_for_load_state('networkidle')
        title = page.locator('h1').first.inner_text().strip()
        if title != said: faults.append(f'the sidebar says {said!r} and leads to {title!r}')
        page.goto(root + 'index.html', wait_until='networkidle')
    return links.count()

# a word that readers search for, and the page that is about it: among the first three places that are found
WORDS = {'noise_images': 'schedules.html', 'fine-tune': 'howto/fine_tune.html', 'interpolate': 'sampling.html', 'GIF': 'howto/gif.html',
         'RGBA': 'howto/image_formats.html', 'curl': 'howto/call_the_service.html', 'gradient norm': 'watching.html',
         'checkpoint': 'howto/best_weights.html', 'undertrained': 'howto/undertrained.html', 'CORS': 'howto/call_the_service.html',
         'impute': 'tutorials/rows_and_series.html', 'several tags csv': 'tutorials/conditions.html', 'compare two runs': 'comparison.html'}

def search(page, root, faults, word, where):
    "Type `word` into the search box: one of the first three results must lead to the page `where`; returns how many there are"
    page.goto(root + 'index.html', wait_until='networkidle')
    page.locator('input[type=search], #quarto-search input').first.press_sequentially(word, delay=20)
    results = page.locator('a.search-result')
    results.first.wait_for(timeout=3000)
    first = [results.nth(i).get_attribute('href') for i in range(min(3, results.count()))]
    if not any(where in o for o in first): faults.append(f'the search for {word!r} leads to {", ".join(first)}, not to {where}')
    return results.count()

def main():
    from playwright.sync_api import sync_playwright
    if not (SITE/'index.html').exists(): return 'there is no site in _docs/: run tools/docs.py first'
    shots = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root, faults = f'http://127.0.0.1:{server.server_port}/', []
    names = sorted(str(p.relative_to(SITE)) for p in SITE.rglob('*.html'))
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which('chromium') or shutil.which('chromium-browser'), args=CLOSED)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        page.on('console', lambda m: m.type == 'error' and faults.append(f'{page.url}: {m.text}'))
        page.on('pageerror', lambda e: faults.append(f'{page.url}: {e}'))
        page.on('requestfailed', lambda r: faults.append(f'{page.url}: could not load {r.url}'))
        page.on('request', lambda r: r.url.startswith((root, 'data:')) or faults.append(f'{page.url}: asks another host: {r.url}'))
        for name in names:
            visit(page, root + name, faults)
            if shots is not None: page.screenshot(path=shots/f'{name.replace("/", "_")[:-5]}.png')
        links, found = follow(page, root, faults), sum(search(page, root, faults, *o) for o in WORDS.items())
        if shots is not None: page.screenshot(path=shots/'search.png')
        page.emulate_media(color_scheme='dark')
        page.goto(root + 'index.html', wait_until='networkidle')
        dark = page.evaluate('() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)')
        if sum(dark) > 300: faults.append(f'dark mode has the background rgb{tuple(dark)}')
        if shots is not None:
            page.screenshot(path=shots/'dark.png')
            page.emulate_media(color_scheme='light')
            page.set_viewport_size(dict(width=390, height=844))
            page.goto(root + 'schedules.html', wait_until='networkidle')
            page.screenshot(path=shots/'phone.png')
        browser.close()
    server.shutdown()
    print(*faults, sep='\n' if faults else '')
    print(f'{len(names)} pages, {links} links of the sidebar followed, {found} places found, {len(faults)} errors')
    return int(bool(faults))

if __name__ == '__main__': sys.exit(main())
