# SPDX-License-Identifier: AGPL-3.0-only
"""The page in a browser: Debian's chromium, without a screen."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from brrr_conformance.page import write_page
from sample_report import HOSTILE, sample_report
from watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"none of {', '.join(BROWSERS)} is installed: make browser"
    with sync_playwright() as playwright:
        # As root, and in containers, chromium has no sandbox to offer.
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(file, sample_report())
    return file.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    watched = Watched(browser, address)
    yield watched.page
    watched.end()


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    watched = Watched(browser, address, viewport=PHONE, has_touch=True)
    yield watched.page
    watched.end()


def shown(page: Page) -> list[str]:
    """Give the requirements that are in the table now."""
    found: list[str] = page.eval_on_selector_all(
        "#grid tr[id]", "all => all.filter(it => it.checkVisibility()).map(it => it.id)"
    )
    return found


def expect_focus(page: Page, start: str) -> None:
    """Wait until what has the focus begins so: events take their time."""
    page.wait_for_function(
        "start => (document.activeElement.ariaLabel"
        " ?? document.activeElement.innerText).startsWith(start)",
        arg=start,
    )


def expect_closed(page: Page) -> None:
    expect(page.locator("dialog[open]")).to_have_count(0)


def width(page: Page) -> int:
    found: int = page.evaluate(
        "Math.max(...[document.documentElement, ...document.querySelectorAll('dialog')]"
        ".map(it => it.scrollWidth))"
    )
    return found


def panel(page: Page) -> str:
    text: str = page.locator("dialog[open]").inner_text()
    return text


# ---- layout -----------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "#WIRE-5/tiny", "#RET-4/c", "#SCHED-28"])
def test_phone_needs_no_scrolling_sideways(
    phone: Page, address: str, place: str
) -> None:
    phone.goto(address + place)
    phone.evaluate(
        "document.querySelectorAll('details').forEach(it => { it.open = true; })"
    )
    assert width(phone) == PHONE["width"]


def test_many_sdks_scroll_in_their_table(browser: Browser, tmp_path: Path) -> None:
    report = sample_report()
    for number in range(9):
        name = f"a-sdk-with-a-long-name-{number}"
        report["adapters"].append({**report["adapters"][0], "name": name})
        report["results"] += [
            {**it, "adapter": name} for it in report["results"] if it["adapter"] == "c"
        ]
    file = tmp_path / "many.html"
    write_page(file, report)
    watched = Watched(browser, file.as_uri(), viewport=PHONE)
    assert width(watched.page) == PHONE["width"]
    watched.end()


def test_touch_opens_a_cell(phone: Page) -> None:
    phone.locator("#RET-2 td").nth(1).tap()
    assert "On the wire" in panel(phone)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme(browser: Browser, address: str, scheme: Any) -> None:
    """It follows the system until it is told otherwise; then it stays so."""
    watched = Watched(browser, address, color_scheme=scheme)
    page = watched.page

    def is_dark() -> bool:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(map(int, re.findall(r"\d+", color)[:3])) < 64

    assert is_dark() == (scheme == "dark")
    page.get_by_role("button", name="Theme: system").click()
    assert not is_dark()
    page.get_by_role("button", name="Theme: light").click()
    assert is_dark()
    page.reload()
    assert is_dark()
    watched.end()


CONTRAST = """
() => {
  const channel = (it) => it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((it) => channel(it / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (it) => {
    const color = getComputedStyle(it).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? ground(it.parentElement) : color;
  };
  const bad = [];
  for (const it of document.querySelectorAll("body *")) {
    const own = [...it.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !it.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(it).color), light(ground(it))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${it.className} ${it.textContent} ${ratio}`);
  }
  return bad;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Browser, address: str, scheme: Any) -> None:
    watched = Watched(browser, address + "#WIRE-5/tiny", color_scheme=scheme)
    watched.page.wait_for_selector("dialog[open]")
    assert watched.page.evaluate(CONTRAST) == []
    watched.context.close()


def test_print(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".filters").is_visible()
    color = page.evaluate("getComputedStyle(document.body).color")
    assert max(map(int, re.findall(r"\d+", color)[:3])) < 64  # dark, on white
    assert len(page.pdf()) > 10_000


# ---- filters ----------------------------------------------------------------


def test_filters(page: Page) -> None:
    everything = shown(page)
    assert len(everything) == 9
    page.get_by_label("Status").select_option("known deviation")
    assert shown(page) == ["SCHED-28"]
    assert page.locator("#found").inner_text() == "1 of 9 requirements"
    page.get_by_label("Status").select_option("not passed")
    assert "RET-2" not in shown(page)
    page.get_by_label("Chapter").select_option("joins")
    assert shown(page) == ["WORK-20"]
    page.get_by_label("Chapter").select_option("wire")
    page.get_by_label("Profile").select_option("wire")
    assert shown(page) == []
    page.get_by_role("button", name="Clear the filters").click()
    assert shown(page) == everything


def test_search(page: Page) -> None:
    """In ids, in the whole paragraph, in what cases are called and about."""
    search = page.get_by_role("searchbox")
    for words, found in (
        ("ret-4", "RET-4"),
        ("encoder SURROGATE", "WIRE-5"),
        ("registering.late", "SCHED-28"),
        ("About joins", "WORK-20"),
    ):
        search.fill(words)
        assert found in shown(page)
        assert len(shown(page)) < 9
    search.fill("no such thing")
    assert page.get_by_text("Nothing is like that.").is_visible()


def test_level(page: Page) -> None:
    page.get_by_label("Level").select_option("2")
    assert shown(page) == []


def test_sdks(page: Page) -> None:
    """A status is looked for in the SDKs that are shown."""
    page.get_by_label("tiny", exact=True).uncheck()
    assert page.locator("#grid thead th:visible").all_inner_texts() == [
        "Requirement",
        "c",
        "mixed fleets",
    ]
    page.get_by_label("Status").select_option("crashed")
    assert shown(page) == []


def test_filters_move_the_place_of_the_keys(page: Page) -> None:
    page.get_by_label("Chapter").select_option("joins")
    page.locator("#grid [tabindex='0']").focus()
    expect_focus(page, "WORK-20")


# ---- keys -------------------------------------------------------------------


def test_keys(page: Page) -> None:
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    while page.evaluate("!document.activeElement.closest('#grid')"):
        page.keyboard.press("Tab")
    expect_focus(page, "WIRE-5")
    assert (
        page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        == "solid"
    )
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    expect_focus(page, "WIRE-5, tiny: failed, 1 of 1")
    page.keyboard.press("Enter")
    assert "Diagnosis" in panel(page)
    expect(page).to_have_url(re.compile(r"#WIRE-5/tiny$"))
    page.keyboard.press("Escape")
    expect_closed(page)
    # The page has heard of it: the focus stays where it is now.
    expect(page).to_have_url(re.compile(r"^[^#]*$"))
    expect_focus(page, "WIRE-5, tiny: failed, 1 of 1")
    page.keyboard.press("Control+End")
    expect_focus(page, "WORK-20, tiny")
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    expect_focus(page, "WIRE-5")
    # One stop for Tab, however many cells.
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('#grid')")


def test_tabs_of_the_panel(page: Page, address: str) -> None:
    page.goto(address + "#RET-4/c")
    page.get_by_role("tab", name="c").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text().startswith("tiny")
    expect(page).to_have_url(re.compile(r"#RET-4/tiny$"))
    page.get_by_role("button", name="Next requirement").click()
    assert page.locator("#panel-id").inner_text() == "WORK-20"
    page.get_by_role("button", name="Close").click()
    expect_closed(page)


# ---- what a cell opens ------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("#SCHED-12", "timed out"),
        ("#SCHED-12/c", "limits.at_the_limit"),
        ("#WIRE-10/c", "vectors: decode.Call"),
        ("#WIRE-10/mixed%20fleets", "Nothing was run here."),
        ("#SCHED-1/mixed fleets", "c+tiny"),
    ],
)
def test_deep_links(page: Page, address: str, link: str, said: str) -> None:
    page.goto(address + link)
    assert said in panel(page)


def test_links_that_lead_nowhere(page: Page, address: str) -> None:
    page.goto(address + "#NONE-1")
    expect_closed(page)
    page.goto(address + "#%E0%A4%A")
    expect_closed(page)


def test_everything_of_a_failure(page: Page, address: str) -> None:
    page.goto(address + "#WIRE-5/tiny")
    text = panel(page)
    assert "An encoder MUST refuse text" in text
    assert page.locator(".spec code").inner_text() == "text"
    assert "worker-1 wait for a message on t → (root1, c)" in text
    assert "12 events are left out" in text
    assert '"schedule"' in text
    assert "brrr-conformance run adapters/tiny -k 'hostile." in text
    assert "--seed 7" in text
    arrows = page.locator(".seq .arrow").count()
    assert arrows == 4  # a command with its reply, a command, a reply
    page.goto(address + "#SCHED-28/tiny")
    assert "--without-deviations" in panel(page)


def test_links(page: Page, address: str) -> None:
    page.goto(address + "#WIRE-10")
    page.locator(".spec a").click()
    assert page.locator("#panel-id").inner_text() == "WIRE-5"
    page.keyboard.press("Escape")
    page.locator(".findings a", has_text="SCHED-28").click()
    assert page.locator("#panel-id").inner_text() == "SCHED-28"


def test_hostile_text_is_inert(page: Page, address: str) -> None:
    for name in ("c", "tiny"):
        page.goto(f"{address}#WIRE-5/{name}")
        page.evaluate("document.querySelectorAll('summary').forEach(it => it.click())")
    assert page.locator("img").count() == 0
    assert page.title() == "Brrr conformance: c, tiny"
    text = page.evaluate("document.body.textContent")
    assert HOSTILE[:40] in text
    assert "{{ 7*7 }}" in text


# ---- for those who do not see it --------------------------------------------


NAMELESS = """
() => [...document.querySelectorAll("a, button, input, select, summary, td[tabindex]")]
  .filter((it) => it.checkVisibility())
  .filter((it) => !(it.ariaLabel || it.labels?.length || it.innerText.trim()))
  .map((it) => it.outerHTML)
"""


@pytest.mark.parametrize("place", ["", "#WIRE-5/tiny"])
def test_everything_has_a_name(page: Page, address: str, place: str) -> None:
    page.goto(address + place)
    assert page.evaluate(NAMELESS) == []
    roles = page.evaluate(
        "['grid', 'table', 'keys', 'panel'].map(it => !!document.getElementById(it))"
    )
    assert roles == [True] * 4


def test_tree_of_the_table(page: Page) -> None:
    grid = page.get_by_role("grid", name="Requirements")
    assert grid.get_by_role("gridcell", name="RET-4, tiny: passed, 1 of 1").count() == 1
    assert grid.get_by_role("rowheader").count() >= 9


def test_without_a_script(browser: Browser, address: str) -> None:
    watched = Watched(browser, address, java_script_enabled=False)
    page = watched.page
    assert page.locator("#RET-4").is_visible()
    assert not page.locator(".filters").is_visible()
    watched.end()
