"""Makes docs/serve.png and docs/serve-page.png, of the bundled crawl: `python docs/make_screenshots.py` (with Chromium)."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

VIEWS = {"serve": "/?q=spark+shuffle", "serve-page": "/page?url=http://site.example/shuffle.html"}

with tempfile.TemporaryDirectory() as directory:
    index = f"{directory}/site.db"
    command = [sys.executable, "-m", "bigdata_demos"]
    subprocess.run([*command, "keywords", "--index", index, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen([*command, "serve", index, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = server.stdout.readline().strip().rstrip("/")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or shutil.which("google-chrome"))
            page = browser.new_page(viewport={"width": 1000, "height": 640})
            for name, path in VIEWS.items():
                page.goto(address + path)
                page.screenshot(path=Path(__file__).parent / f"{name}.png")
            browser.close()
        server.terminate()
