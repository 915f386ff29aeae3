"""
An equal basket in django-oscar, for `bench_pricing`: it is imported only where oscar is installed.

Lines with stock records at 20 % tax, one offer of a tenth on everything, SQLite in memory. What is
timed is what a shop does to show a total: lines from the database, offers applied, total with tax.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

__all__ = ["oscar_total"]

OSCAR_APPS = (
    "analytics",
    "communication",
    "checkout",
    "address",
    "shipping",
    "catalogue",
    "catalogue.reviews",
    "partner",
    "basket",
    "payment",
    "offer",
    "order",
    "customer",
    "search",
    "voucher",
    "wishlists",
    "dashboard",
)
OTHER_APPS = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.flatpages",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "django_tables2",
)


DASHBOARDS = (
    "reports",
    "users",
    "orders",
    "catalogue",
    "offers",
    "partners",
    "pages",
    "ranges",
    "reviews",
    "vouchers",
    "communications",
    "shipping",
)


def _configs() -> list[str]:
    found = ["oscar.config.Shop"]
    for app in OSCAR_APPS:
        name = "CatalogueReviews" if app == "catalogue.reviews" else app.title()
        found.append(f"oscar.apps.{app}.apps.{name}Config")
    boards = [f"{app}.apps.{app.title()}DashboardConfig" for app in DASHBOARDS]
    return found + [f"oscar.apps.dashboard.{board}" for board in boards]


def _set_up() -> None:
    """Configure Django and make the tables, once."""
    conf = import_module("django.conf").settings
    if conf.configured:
        return
    defaults = import_module("oscar.defaults")
    oscar = {name: getattr(defaults, name) for name in dir(defaults) if name.startswith("OSCAR")}
    # Prices are shown with tax, and so is the offer: a tenth of what the customer would pay.
    oscar["OSCAR_OFFERS_INCL_TAX"] = True
    conf.configure(
        INSTALLED_APPS=[*OTHER_APPS, *_configs()],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        HAYSTACK_CONNECTIONS={
            "default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}
        },
        SITE_ID=1,
        SECRET_KEY="benchmark",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        **oscar,
    )
    import_module("django").setup()
    call = import_module("django.core.management").call_command
    call("migrate", verbosity=0)


def oscar_total(lines: int) -> Callable[[], Decimal]:
    """A function that works out the total of an equal basket, as a shop would for a page."""
    _set_up()
    models: Any = import_module("oscar.core.loading").get_model
    basket = models("basket", "Basket").objects.create()
    _fill(basket, lines, models)
    offers: Any = import_module("oscar.apps.offer.applicator").Applicator

    def total() -> Decimal:
        again = models("basket", "Basket").objects.get(pk=basket.pk)
        again.strategy = _strategy()
        offers().apply(again)
        result: Decimal = again.total_incl_tax
        return result

    return total


def _strategy() -> Any:  # noqa: ANN401 - an untyped library
    strategy: Any = import_module("oscar.apps.partner.strategy")

    names = ("UseFirstStockRecord", "StockRequired", "FixedRateTax", "Structured")
    bases = tuple(getattr(strategy, name) for name in names)
    return type("Taxed", bases, {"rate": Decimal("0.20"), "exponent": Decimal("0.01")})()


def _fill(basket: Any, lines: int, models: Any) -> None:  # noqa: ANN401 - an untyped library
    """Products with stock, in the basket, and an offer on all of them."""
    kind = models("catalogue", "ProductClass").objects.create(name=f"goods-{lines}")
    partner = models("partner", "Partner").objects.create(name=f"partner-{lines}")
    basket.strategy = _strategy()
    for number in range(lines):
        product = models("catalogue", "Product").objects.create(
            product_class=kind, title=f"Product {number}", structure="standalone"
        )
        models("partner", "StockRecord").objects.create(
            product=product,
            partner=partner,
            partner_sku=f"{lines}-{number}",
            price=Decimal(999 + number) / 100,
            num_in_stock=1_000,
        )
        basket.add_product(product, quantity=1 + number % 5)
    if models("offer", "ConditionalOffer").objects.exists():
        return
    everything = models("offer", "Range").objects.create(name="all", includes_all_products=True)
    condition = models("offer", "Condition").objects.create(range=everything, type="Count", value=1)
    benefit = models("offer", "Benefit").objects.create(
        range=everything, type="Percentage", value=10
    )
    models("offer", "ConditionalOffer").objects.create(
        name="a tenth", condition=condition, benefit=benefit
    )
