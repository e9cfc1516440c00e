"""Records the explorer's tour: one animated SVG from the shipped database, a frame for each step.

    python docs/record_tour.py runs.db assets/tour.svg

Each frame is a screenshot as `explore --svg` makes it, shown in turn by CSS, so that it plays
wherever an SVG picture is shown.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path

from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.copying import portable_svg
from nliexplorer.tui.snapshot import settle

SIZE = (110, 34)
#: (keys, what they do, seconds to look at it)
STEPS: tuple[tuple[tuple[str, ...], str, float], ...] = (
    ((), "two runs side by side: one pair, both attributions on one scale", 4),
    (("n",), "n: the next error", 3),
    (("3",), "3: compare, with intervals", 4),
    (("enter",), "Enter: the pairs that B fixed", 4),
    (("t", *"odd", "enter"), "t: tag the pair", 3),
    (("escape",), "Escape: back to where one was", 3),
    (("5", "end"), "5: slices, where A and B differ", 4),
    (("7",), "7: which words get the attribution", 4),
    (("4",), "4: calibration", 4),
)


async def frames(database: Path) -> list[str]:
    """An SVG for each step."""
    app = ExplorerApp(database, ("baseline", "ig-variance"), asks_models=False)
    shots = []
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for keys, title, _ in STEPS:
            await pilot.press(*keys)
            await settle(pilot)
            shots.append(portable_svg(app.export_screenshot(title=title)))
    return shots


def animated(shots: list[str], seconds: list[float]) -> str:
    """One SVG that shows each of `shots` for its `seconds`, in a loop.

    The frames share one style sheet, and a line that several frames have is stored once.
    """
    size = re.search(r'viewBox="[\d. ]+"', shots[0])
    assert size
    classes: dict[str, str] = {}
    frames = [_with_shared_classes(shot, classes) for shot in shots]
    total, start = sum(seconds), 0.0
    rules = [f".{name} {{{style}}}" for style, name in classes.items()]
    groups = []
    for number, (frame, shown) in enumerate(zip(frames, seconds, strict=True)):
        begin, end = start / total * 100, (start + shown) / total * 100
        rules.append(
            f"@keyframes f{number} {{ 0%, {begin:.3f}% {{ visibility: hidden }} "
            f"{begin + 0.001:.3f}%, {end:.3f}% {{ visibility: visible }} "
            f"{min(end + 0.001, 100):.3f}%, 100% {{ visibility: hidden }} }}\n"
            f"#f{number} {{ animation: f{number} {total:g}s step-end infinite }}"
        )
        groups.append(f'<g id="f{number}">\n{frame}\n</g>')
        start += shown
    lines, shared = _stored_once("\n".join(groups).splitlines())
    return "\n".join(
        [
            f'<svg class="rich-terminal" {size.group()} xmlns="http://www.w3.org/2000/svg">',
            "<style>", *rules, "</style>",
            "<defs>", *shared, "</defs>",
            *lines, "</svg>", "",
        ]
    )  # fmt: skip


def _with_shared_classes(shot: str, classes: dict[str, str]) -> str:
    """What a frame draws; its styles are added to `classes`, which gives each one name."""
    inner = shot.partition(">")[2].rpartition("</svg>")[0]
    names = {}
    for name, style in re.findall(r"\.(terminal-\d+-\w+) \{(.*?)\}", inner, re.DOTALL):
        names[name] = classes.setdefault(" ".join(style.split()), f"c{len(classes)}")
    inner = re.sub(r"<(style|defs)>.*?</\1>|<!--.*?-->", "", inner, flags=re.DOTALL)
    inner = re.sub(r' clip-path="[^"]*"', "", inner)  # a hidden frame's would clip everything
    return re.sub(r'class="([^"]*)"', lambda m: f'class="{names.get(m[1], m[1])}"', inner)


def _stored_once(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines, with `<use>` for those that occur more than once, and these as definitions."""
    counts = Counter(line for line in lines if line.startswith(("<text", "<rect")))
    ids = {line: f"l{n}" for n, (line, count) in enumerate(counts.items()) if count > 1}
    shared = [f'<g id="{name}">{line}</g>' for line, name in ids.items()]
    return [f'<use href="#{ids[line]}"/>' if line in ids else line for line in lines], shared


def main() -> None:
    database, target = map(Path, sys.argv[1:3])
    shots = asyncio.run(frames(database))
    target.write_text(animated(shots, [seconds for *_, seconds in STEPS]), encoding="utf-8")
    print(f"{target}: {len(shots)} frames, {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
