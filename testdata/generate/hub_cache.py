"""Holds pactune's cache of models against huggingface_hub's, on a local hub.

    pip install huggingface_hub==0.36.2 transformers==4.46.3 torch==2.4.1
    go build ./cmd/pactune
    python testdata/generate/hub_cache.py ./pactune

Both programs fetch the same model from a hub that this script serves. Then each
reads the other's cache offline, goes on with a file that the other left
incomplete, and waits while the other is fetching. The cache that huggingface_hub
wrote of a model of text goes into hub/fetch/testdata/cache.json, which
hub/fetch/recorded_test.go compares with ours.
"""
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

NAME, COMMIT, LARGE = "owner/model", "0123456789" * 4, 1000
READ = ["config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]


def etag(data):
    if len(data) >= LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """A hub and the host of its large files, on two ports."""

    def __init__(self, files):
        self.files, self.log, self.delay = files, [], 0
        self.cdn, self.url = (self.start(answer) for answer in (self.large, self.hub))

    def start(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler):
                answer(handler)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    def send(self, h, data, headers=(), status=200):
        wanted = h.headers.get("Range")
        if wanted and status == 200:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            headers = [*headers, ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")]
            data, status = data[start:], 206
        h.send_response(status)
        for name, value in headers:
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        if h.command == "GET":
            h.wfile.write(data)

    def hub(self, h):
        path = h.path.split("?")[0]
        prefix = f"/{NAME}/resolve/"
        if path.startswith(f"/api/models/{NAME}/revision/"):
            listing = {"id": NAME, "modelId": NAME, "sha": COMMIT, "private": False, "downloads": 0, "likes": 0, "tags": [],
                       "siblings": [{"rfilename": n} for n in self.files]}
            return self.send(h, json.dumps(listing).encode(), [("Content-Type", "application/json")])
        name = path.removeprefix(prefix).split("/", 1)[-1]
        if not path.startswith(prefix) or name not in self.files:
            code = "EntryNotFound" if path.startswith(prefix) else "RepoNotFound"
            return self.send(h, b"", [("X-Error-Code", code), ("X-Repo-Commit", COMMIT)], 404)
        data = self.files[name]
        headers = [("X-Repo-Commit", COMMIT), ("ETag", f'"{etag(data)}"')]
        if len(data) < LARGE:
            return self.send(h, data, headers)
        headers = [("X-Repo-Commit", COMMIT), ("X-Linked-Size", str(len(data))), ("X-Linked-Etag", f'"{etag(data)}"'),
                   ("Location", f"{self.cdn}/{name}?Signature=secret")]
        self.send(h, b"", headers, 302)

    def large(self, h):
        assert "Authorization" not in h.headers, "the token went to another host"
        name = h.path.split("?")[0].removeprefix("/")
        if h.command == "GET":
            self.log.append((name, h.headers.get("Range")))
            time.sleep(self.delay)
        self.send(h, self.files[name])


def tree(cache):
    found = {}
    root = os.path.join(cache, "models--owner--model")
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = "-> " + os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
    return found


def environment(hub, cache, **more):
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": cache, "HF_TOKEN": "hf_secret", "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", **more}


PROGRAM = ""


def ours(hub, cache, *args, **more):
    return subprocess.run([PROGRAM, *args], env=environment(hub, cache, **more), check=True, capture_output=True, text=True)


def theirs(hub, cache, code, **more):
    return subprocess.run([sys.executable, "-c", code], env=environment(hub, cache, **more), check=True, capture_output=True, text=True).stdout.strip()


FETCH = f"from huggingface_hub import snapshot_download; print(snapshot_download({NAME!r}, allow_patterns={READ!r}))"


def record():
    """What huggingface_hub makes of a model of text."""
    texts = {"config.json": "{}\n", "vocab.txt": "[PAD]\n[UNK]\n", "model.safetensors": "weights and " * 100, "README.md": "# model\n",
             "tokenizer_config.json": "{}\n", "pytorch_model.bin": "pickled" * 200}
    hub = Hub({name: text.encode() for name, text in texts.items()})
    with tempfile.TemporaryDirectory() as cache:
        theirs(hub, cache, FETCH)
        found = {path: v if isinstance(v, str) else v.decode() for path, v in tree(cache).items()}
    path = os.path.join(os.path.dirname(__file__), "..", "..", "hub", "fetch", "testdata", "cache.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump({"commit": COMMIT, "files": texts, "tree": found}, f, indent=1, sort_keys=True)
        f.write("\n")


def model(folder):
    """A small BERT, as files, with some that nobody reads."""
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [chr(c) for c in range(97, 123)] + ["##" + chr(c) for c in range(97, 123)]
    with open(os.path.join(folder, "vocab.txt"), "w") as f:
        f.write("\n".join(vocab) + "\n")
    made = os.path.join(folder, "made")
    subprocess.run([PROGRAM, "init", "--size", "2x64/2", "--vocab", f.name, made], check=True, capture_output=True)
    files = {name: open(os.path.join(made, name), "rb").read() for name in os.listdir(made) if name in READ}
    return {**files, "README.md": b"# model\n", "pytorch_model.bin": b"pickled" * 1000}


def main():
    global PROGRAM
    PROGRAM = os.path.abspath(sys.argv[1])
    record()
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub(model(folder))
        read = [name for name in READ if name in hub.files]
        a, b = os.path.join(folder, "theirs"), os.path.join(folder, "ours")
        snapshot = theirs(hub, a, FETCH)
        printed = ours(hub, b, "download", NAME).stdout.strip()
        assert tree(a) == tree(b), (tree(a).keys(), tree(b).keys())
        assert os.path.relpath(printed, b) == os.path.relpath(snapshot, a)
        print(f"same cache: {len(tree(b))} files and links, {sum(len(hub.files[n]) for n in read)} bytes")

        offline = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
        code = f"""
from huggingface_hub import snapshot_download, try_to_load_from_cache
for name in {read!r}:
    assert isinstance(try_to_load_from_cache({NAME!r}, name), str), name
assert snapshot_download({NAME!r}, local_files_only=True) == {printed!r}
from transformers import AutoModel, AutoTokenizer
import torch
m, t = AutoModel.from_pretrained({NAME!r}).eval(), AutoTokenizer.from_pretrained({NAME!r})
print(sum(p.numel() for p in m.parameters()), t('a b')['input_ids'])"""
        print("huggingface_hub and transformers read ours offline:", theirs(hub, b, code, **offline))
        rows = os.path.join(folder, "rows.txt")
        with open(rows, "w") as f:
            f.write("a b\tx\nc d\ty\n" * 4)
        ours(hub, a, "train", rows, "--validation_file", rows, "--model_name_or_path", NAME, "--method", "adamw", "--max_steps", "2",
             "--output_dir", os.path.join(folder, "run"), **offline)
        assert ours(hub, a, "download", NAME, **offline).stdout.strip() == snapshot
        print("pactune reads theirs offline: download and train")

        large = "model.safetensors"
        size = len(hub.files[large])
        for who, fetch in (("huggingface_hub", lambda c: theirs(hub, c, FETCH)), ("pactune", lambda c: ours(hub, c, "download", NAME))):
            cache = os.path.join(folder, "part-" + who)
            blobs = os.path.join(cache, "models--owner--model", "blobs")
            os.makedirs(blobs)
            with open(os.path.join(blobs, etag(hub.files[large]) + ".incomplete"), "wb") as f:
                f.write(hub.files[large][: size // 3])
            hub.log.clear()
            fetch(cache)
            assert (large, f"bytes={size // 3}-") in hub.log, hub.log
            assert tree(cache) == tree(a)
            print(f"{who} goes on with {size // 3} of {size} bytes")

        cache = os.path.join(folder, "both")
        hub.log.clear()
        hub.delay = 2
        start = time.time()
        running = [subprocess.Popen(args, env=environment(hub, cache), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for args in ([sys.executable, "-c", FETCH], [PROGRAM, "download", NAME])]
        assert [p.wait() for p in running] == [0, 0], [p.stderr.read() for p in running]
        assert tree(cache) == tree(a) and [n for n, _ in hub.log].count(large) == 1, hub.log
        print(f"both at once: {large} came once, {time.time() - start:.1f} s")


main()
