"""The page of the API in a browser: "Try it out" on the main calls, with the untouched examples.

Not run by `make test`, because it needs Chromium.
"""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
TIMEOUT_MS = 30_000


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "Chromium is not installed. On Debian and Ubuntu: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser, service):
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{service.url}/docs/")
    yield page
    page.close()


def try_out(page, tag, operation, parameters=None):
    """Press "Try it out" and "Execute" of an operation, and return the status that the page shows."""
    block = page.locator(f"#operations-{tag}-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    for name, value in (parameters or {}).items():
        block.locator(f'tr[data-param-name="{name}"] input').fill(value)
    block.get_by_role("button", name="Execute").click()
    status = block.locator(".live-responses-table .response-col_status").last
    expect(status).to_have_text(re.compile(r"\d{3}"), timeout=TIMEOUT_MS)
    return int(re.search(r"\d{3}", status.inner_text()).group())


def test_the_examples_of_the_main_calls_succeed_untouched(page):
    assert try_out(page, "Train", "train") == 201
    assert try_out(page, "Predict", "predict") == 200
    assert try_out(page, "Train", "train_model", {"model": "page"}) == 201
    assert try_out(page, "Predict", "predict_model", {"model": "page"}) == 200
    assert try_out(page, "Predict", "evaluate_model", {"model": "page"}) == 200
    assert try_out(page, "Train", "train_groups") == 200
    assert try_out(page, "Predict", "predict_groups") == 200
    assert try_out(page, "Models", "list_models") == 200
    assert try_out(page, "Open_Inference_Protocol", "infer", {"model": "page"}) == 200
    assert try_out(page, "MLflow", "invocations", {"model": "page"}) == 200


def test_an_option_in_the_query_reaches_the_training(page, client):
    assert try_out(page, "Train", "train_model", {"model": "page-l2", "l2": "0.5"}) == 201
    assert client.get("/models/page-l2/versions/1").json()["options"]["l2"] == 0.5


def test_the_page_reports_no_error(page):
    assert not page.locator(".errors-wrapper").count()
