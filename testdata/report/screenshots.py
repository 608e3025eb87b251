#!/usr/bin/env python3
"""Opens a page of pactune report in headless Chromium and looks at it.

    python3 testdata/report/screenshots.py report.html [FOLDER [SECTION]]

Fails when Chromium logs anything, when the page asks for anything but itself, when
text of a picture lies over other text or outside it, when the page is wider than the
window, or when a mark is missing: a picture in every figure, numbers behind it, and
content in every section. With a folder it writes wide and narrow screenshots, light
and dark; with the id of a section they begin there. Needs Debian's chromium and
Python's standard library.
"""
import base64, json, os, pathlib, subprocess, sys, tempfile

VIEWS = [("wide", 1280, 900), ("narrow", 390, 844)]

MARKS = """(() => {
  const bad = [];
  for (const f of document.querySelectorAll("figure")) {
    if (!f.querySelector("svg path")) bad.push("a figure without a picture");
    if (!f.querySelector("details table") && !f.closest(".block, .fold").querySelector("details.wide table")
        && !f.closest(".fold").textContent.includes("The numbers are those by component"))
      bad.push("a picture without numbers: " + f.querySelector("title").textContent);
  }
  for (const s of document.querySelectorAll("section"))
    if (!s.querySelector("svg, table, pre")) bad.push("an empty section: " + s.id);
  if (document.querySelectorAll("section").length < 2) bad.push("fewer than two sections");
  if (document.querySelector("script, iframe, img, object")) bad.push("an element that a page of text has not");
  if (document.documentElement.scrollWidth > innerWidth) bad.push("wider than the window: " + document.documentElement.scrollWidth);
  for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([a, r], i) => {
      if (r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1) bad.push("text outside its picture: " + a);
      for (const [b, q] of texts.slice(i + 1))
        if (Math.min(r.right, q.right) - Math.max(r.left, q.left) > 1 && Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top) > 3)
          bad.push("text over text: " + a + " | " + b);
    });
  }
  return JSON.stringify({bad: [...new Set(bad)], figures: document.querySelectorAll("figure").length,
    tables: document.querySelectorAll("table").length, sections: [...document.querySelectorAll("section")].map(s => s.id),
    height: document.documentElement.scrollHeight});
})()"""


class Chromium:
    """A browser at the other end of a pipe, by the DevTools protocol."""

    def __init__(self, profile):
        read, theirs_out = os.pipe()
        theirs_in, write = os.pipe()

        def ends():  # the browser reads from 3 and writes to 4
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(a, 3), os.dup2(b, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--user-data-dir=" + profile, "about:blank"],
            preexec_fn=ends, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(theirs_out), os.close(theirs_in)
        self.out, self.to, self.n, self.events, self.pending = read, write, 0, [], [b""]
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.pending[-1]:
            part = os.read(self.out, 1 << 16)
            if not part:
                sys.exit("chromium ended")
            self.pending.append(part)
        last, rest = self.pending[-1].split(b"\0", 1)
        text = b"".join(self.pending[:-1]) + last
        self.pending = [rest]
        return json.loads(text)

    def call(self, method, **params):
        self.n += 1
        message = {"id": self.n, "method": method, "params": params}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            m = self.receive()
            if m.get("id") == self.n:
                if "error" in m:
                    sys.exit("%s: %s" % (method, m["error"]["message"]))
                return m["result"]
            self.events.append(m)

    def open(self, url):
        self.call("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.receive())

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression)["result"].get("value")


def complaints(events, url):
    for e in events:
        method, p = e.get("method"), e.get("params", {})
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            yield json.dumps(p)[:300]
        if method == "Network.requestWillBeSent" and p["request"]["url"].split("#")[0] not in (url, "data:,", "about:blank"):
            yield "asked for " + p["request"]["url"]


def look(browser, url, folder, section):
    bad = []
    for name, width, height in VIEWS:
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        for theme in ("light", "dark"):
            browser.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": theme}])
            browser.value("for (const d of document.querySelectorAll('.fold')) d.open = true")
            seen = json.loads(browser.value(MARKS))
            browser.value("for (const d of document.querySelectorAll('.fold')) d.open = false")
            bad += ["%s, %s: %s" % (name, theme, b) for b in seen.pop("bad")]
            print(name, theme, json.dumps(seen))
            if not folder:
                continue
            top = browser.value("scrollY + document.getElementById(%s).getBoundingClientRect().top" % json.dumps(section)) if section else 0
            tall = min(browser.value("document.documentElement.scrollHeight") - top, height * 3 if section else 16000)
            shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                                clip={"x": 0, "y": top, "width": width, "height": tall, "scale": 1})
            (folder / ("%s%s-%s.png" % (section + "-" if section else "", name, theme))).write_bytes(base64.b64decode(shot["data"]))
    return bad


def main():
    page = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    section = sys.argv[3] if len(sys.argv) > 3 else ""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(profile)
        try:
            browser.open(page.as_uri())
            bad = look(browser, page.as_uri(), folder, section)
            bad += complaints(browser.events, page.as_uri())
        finally:
            browser.process.kill()
            browser.process.wait()
    print("%d bytes" % page.stat().st_size)
    if bad:
        sys.exit("\n".join(bad))


main()
