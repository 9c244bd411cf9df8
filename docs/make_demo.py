"""``python docs/make_demo.py`` makes ``docs/demo.svg``, the README's picture, of what ``make demo`` prints."""

import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text


def main() -> None:
    """Run the demonstration and draw its output."""
    done = subprocess.run([sys.executable, "-m", "bigdata_demos.demo"], stdout=subprocess.PIPE, text=True, check=True)
    shown = done.stdout.replace(sys.executable, "python").strip()
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=112, file=nowhere)
        console.print(Text("$ make demo", style="bold green"))
        console.print(Text(shown))
        svg = console.export_svg(title="bigdata_demos")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # fonts from the network are not needed
    Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
