"""The virtual list on a made-up source of a million rows."""

from __future__ import annotations

from pathlib import Path

from textual.app import App, ComposeResult

from nliexplorer.records import ExampleRow
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.tui.widgets.example_list import PAGE, PAGES_KEPT, ExampleList, ListRow
from nliexplorer.tui.widgets.list_heading import ListHeading
from tests.tui.keys import examples_of

TOTAL = 1_000_000


def row(index: int) -> ListRow:
    made = ExampleRow(
        f"{index:016x}", "A man sleeps.", f"row {index}", 0, index % 3, index % 3 == 0,
        0.5, (0.5, 0.3, 0.2), None, 5, index,
    )  # fmt: skip
    return ListRow(made, 0)


class Million(App[None]):
    """Answers each request at once, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.moved: list[int] = []
        self.answer = True

    def compose(self) -> ComposeResult:
        yield ExampleList()

    def on_mount(self) -> None:
        self.rows.focus()
        self.rows.reset(TOTAL, True)

    @property
    def rows(self) -> ExampleList:
        return self.query_one(ExampleList)

    def on_example_list_page_wanted(self, event: ExampleList.PageWanted) -> None:
        self.asked.append(event.page)
        if self.answer:
            start = event.page * PAGE
            page = [row(i) for i in range(start, min(start + PAGE, TOTAL))]
            self.rows.put_page(event.page, page)

    def on_example_list_moved(self, event: ExampleList.Moved) -> None:
        if event.row:
            self.moved.append(event.row.row.position)


async def test_only_what_is_seen_is_asked_for() -> None:
    app = Million()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert app.asked == [0]
        assert "row 0 " in screen_text(app)
        await pilot.press("end")
        await pilot.pause()
        assert "row 999999 " in screen_text(app)
        assert app.moved[-1] == TOTAL - 1
        await pilot.press("home")
        await pilot.pause()
        assert "row 0 " in screen_text(app)
        assert len(app.asked) <= 5


async def test_a_held_key_keeps_its_place_and_few_pages() -> None:
    app = Million()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for _ in range(20):
            for _ in range(20):
                app.rows.action_page(1)
            await pilot.pause()
        assert app.rows.cursor == 400 * (app.rows.size.height - 1)
        assert f"row {app.rows.cursor} " in screen_text(app)
        assert len(app.rows._pages) <= PAGES_KEPT


async def test_lines_past_the_end_and_pages_that_do_not_come() -> None:
    app = Million()
    app.answer = False
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("down", "end")
        await pilot.pause()
        assert app.rows.row_at(TOTAL - 1) is None
        assert "·" in screen_text(app)  # a place for rows that are on their way
        app.rows.reset(3, False)
        app.rows.put_page(0, [row(i) for i in range(3)])
        await pilot.press("end")
        await pilot.pause()
        assert app.rows.cursor == 2
        assert screen_text(app).count("row ") == 3
        app.rows.reset(0, False)
        await pilot.press("down", "end", "enter", "pageup")
        await pilot.pause()
        assert app.rows.row_at(0) is None


async def test_the_mouse_moves_the_cursor() -> None:
    app = Million()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.click(ExampleList, offset=(10, 7))
        assert app.rows.cursor == 7


async def test_a_click_on_the_heading_sorts(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        heading = app.screen.query_one(ListHeading)
        at = heading.render().plain.index("conf")
        first = []
        for _ in range(3):
            await pilot.click(ListHeading, offset=(at + 1, 0))
            await settle(pilot)
            entry = examples_of(app).rows.row_at(0)
            assert entry
            first.append((app.selection.filter.to_text(), entry.row.confidence))
        assert [text for text, _ in first] == ["sort:-conf", "sort:conf", ""]
        assert first[0][1] > first[2][1] > first[1][1]
