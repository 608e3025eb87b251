"""Takes pictures out of pages of pactune report, beneath each other in one SVG.

    python testdata/study/picture.py OUT.svg report.html "accuracy of every run" [report.html TITLE …]

Each is headed by its page's name, as docs/STUDY.md shows them.
"""
import pathlib
import re
import sys

out, args = sys.argv[1], sys.argv[2:]
sheet, body, width, y = "", [], 0.0, 0.0
for page, title in zip(args[::2], args[1::2]):
    text = pathlib.Path(page).read_text(encoding="utf-8")
    sheet = next(s for s in re.findall(r"<style>(.*?)</style>", text, re.S) if ".pactune text" in s)
    picture = next(p for p in re.findall(r"<svg .*?</svg>", text, re.S) if f"<title>{title}</title>" in p)
    w, h = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', picture).groups())
    body.append(f'<text class="h big" x="16" y="{y + 22:g}">{pathlib.Path(page).stem}</text>')
    body.append(picture.replace("<svg ", f'<svg y="{y + 30:g}" width="{w:g}" height="{h:g}" ', 1))
    width, y = max(width, w), y + 30 + h
pathlib.Path(out).write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" class="pactune" viewBox="0 0 {width:g} {y:g}" width="{width:g}" height="{y:g}">\n'
    f'<style>{sheet}</style>\n<rect class="bg" width="{width:g}" height="{y:g}"/>\n' + "\n".join(body) + "\n</svg>\n", encoding="utf-8")
