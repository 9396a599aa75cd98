import re
from html.parser import HTMLParser

import numpy as np
import pyarrow.parquet as pq
import pytest

from evaluation.compare import Triple, compare
from evaluation.leakage import Leak
from evaluation.ledger_summary import score_values, summarise
from evaluation.report import GalleryRow, RunReport, StepCost, write_report
from evaluation.training_log import stage_curves
from schemas.ledger import LedgerRow
from tests.evaluation.conftest import ROWS, row
from tests.evaluation.test_training_log import ROWS as LOG

VOID = {"meta", "img", "br", "link", "input", "hr", "path", "use"}
EVIL = "/photos/<img src=x onerror=alert(1)>\"'&夏天.jpg"


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def said(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    ledger = tmp_path_factory.mktemp("ledger")
    pq.write_table(LedgerRow.to_table(ROWS), ledger / "a.parquet")
    pq.write_table(LedgerRow.to_table([row(9, "noise", "rejected", ("r",), uri=EVIL)]), ledger / "c.parquet")
    clean = np.random.default_rng(0).integers(60, 190, (260, 300, 3), dtype=np.uint8)
    triples = [
        Triple(f"k{i}-{name}", f"k{i}", name, name, 0.5, clean + np.uint8(20), clean + np.uint8(after), clean)
        for i, after in enumerate((10, 15, 40))
        for name in ("noise", "blur")
    ]
    return RunReport(
        title="Demo",
        recipe_name="demo <recipe>",
        fingerprint="0123456789abcdef",
        command="tarnish demo --out 'runs/demo'",
        comparison=compare(triples),
        leaks=(),
        ledger=summarise(ledger),
        scores={score: score_values(ledger, score) for score in ("pair.psnr", "pair.lpips")},
        gallery=[GalleryRow("haze", clean, [(0.25, clean), (0.75, clean)])],
        stages=stage_curves(LOG),
        steps=[StepCost("synthesize", 12.25, 2**30), StepCost("train", 30.5, 2**31)],
        notes=["The Real-ESRGAN chain stood in for real pairs.", "第二阶段"],
        versions={"torch": "2.13.0"},
    )


def written(path, report):
    write_report(path, report)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(report, tmp_path_factory):
    return written(tmp_path_factory.mktemp("run") / "new" / "report.html", report)


def test_every_element_is_closed_and_every_id_is_unique(html):
    page = Page(html)
    assert page.open == []
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_every_reference_stays_inside_the_file(html):
    page = Page(html)
    references = [
        value for _, name, value in page.attributes if name in {"src", "href", "xlink:href", "srcset", "action", "data"}
    ]
    assert references
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in references)
    assert re.findall(r"https?://|@import|url\((?!#)", html) == []
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    anchors = {value[1:] for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    assert anchors <= {value for _, name, value in page.attributes if name == "id"}


def test_names_from_outside_are_text(html):
    page = Page(html)
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    assert "<img src=x onerror=alert(1)>\"'&夏天.jpg" in "".join(page.text)
    assert "demo <recipe>" in page.said()
    assert "ValueError: <b>no</b>" in page.said()


def test_every_picture_has_an_alternative_text(html):
    page = Page(html)
    pictures = page.tags.count("img")
    assert pictures == 2 * 2 * 3 * 2 + 3 * 2
    assert sum(tag == "img" and name == "alt" and bool(value) for tag, name, value in page.attributes) == pictures


def test_the_figures_are_those_of_the_run(html):
    said = Page(html).said()
    for text in ("3 / 9", "noise", "pair.strength.low", "+0.83", "−6.02", "43 s", "2 048", "2.13.0", "第二阶段"):
        assert text in said, text
    assert "6 of 6 rows that were rejected or failed" in said
    assert "No row has this score." in said


def test_gains_have_a_sign_and_not_only_a_colour(html):
    assert '<span class="worse">−6.02 dB</span>' in html
    assert '<span class="better">+2.50 dB</span>' in html


@pytest.mark.parametrize(
    ("leaks", "text"),
    [
        (None, "was not checked"),
        ((), "Checked: none of them equals"),
        ((Leak("h.jpg", "t.jpg", "same bytes"),), "h.jpg ~ t.jpg: same bytes"),
    ],
)
def test_the_report_says_whether_training_saw_the_photographs(report, tmp_path, leaks, text):
    changed = RunReport(**{**vars(report), "leaks": leaks})
    assert text in Page(written(tmp_path / "r.html", changed)).said()


def test_equal_input_gives_equal_bytes(report, tmp_path):
    assert written(tmp_path / "a.html", report) == written(tmp_path / "b.html", report)


def test_parts_without_data_are_left_out(tmp_path):
    page = Page(written(tmp_path / "r.html", RunReport("T", "r", "f", "c")))
    assert page.open == []
    assert [value for _, name, value in page.attributes if name == "id"] == []
    assert "svg" not in page.tags
