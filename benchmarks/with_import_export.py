"""The same checks by django-import-export: the dry run its admin's preview makes. Runs in `.venv-bench`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import django
import facts
import tablib
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["import_export"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=False,
    USE_I18N=False,
)
django.setup()

from django.core.exceptions import ValidationError  # noqa: E402
from django.core.validators import RegexValidator  # noqa: E402
from django.db import connection, models  # noqa: E402
from import_export import fields, resources, widgets  # noqa: E402


def _text(name: str, blank: bool = False) -> models.CharField:
    return models.CharField(max_length=60, blank=blank, validators=[RegexValidator(rf"\A{facts.PATTERNS[name]}\Z")])


def _one_of(choices: tuple[str, ...]) -> models.CharField:
    return models.CharField(max_length=60, choices=[(choice, choice) for choice in choices])


class Line(models.Model):
    """A line of the file, with the checks of one line."""

    today: date

    reference = _text(facts.REF, blank=True)
    order_number = _text(facts.ORDER)
    label = _one_of(facts.LABELS)
    category = _one_of(facts.CATEGORIES)
    end = models.DateField()
    first_name = _text(facts.FIRST)
    last_name = _text(facts.LAST)
    born = models.DateField()
    permit = _text(facts.PERMIT)

    class Meta:
        app_label = "import_export"  # a model belongs to an installed application

    def clean(self) -> None:
        """Judge the two dates."""
        if why := facts.refused(self.end, self.born, self.today):
            raise ValidationError(why)


_ATTRIBUTES = ("reference", "order_number", "label", "category", "end", "first_name", "last_name", "born", "permit")


def _column(attribute: str, header: str) -> fields.Field:
    dated = attribute in ("end", "born")
    widget = widgets.DateWidget(format=facts.DATE) if dated else widgets.CharWidget()
    return fields.Field(attribute=attribute, column_name=header, widget=widget)


class Lines(resources.ModelResource):
    """The nine columns; a driver twice in a training is found in memory, which costs less than asking the base."""

    locals().update({name: _column(name, header) for name, header in zip(_ATTRIBUTES, facts.HEADERS, strict=True)})

    class Meta:
        model = Line
        fields = _ATTRIBUTES
        import_id_fields = ()
        clean_model_instances = True

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Start a file."""
        self.seen: set[tuple[str, ...]] = set()

    def before_import_row(self, row: dict[str, str], **kwargs: Any) -> None:
        """Refuse a line whose driver stands on an earlier one for the same training."""
        key = tuple(row[name] for name in (facts.BORN, facts.PERMIT, facts.LABEL, facts.CATEGORY))
        if key in self.seen:
            raise ValidationError("this driver is already there")
        self.seen.add(key)


def check(path: Path, today: date) -> int:
    """Make the dry run and return how many lines have an error."""
    Line.today = today
    with connection.schema_editor() as editor:
        editor.create_model(Line)
    data = tablib.Dataset().load(path.read_bytes(), format="xlsx")
    result = Lines().import_data(data, dry_run=True)
    return len({number for number, _ in result.row_errors()} | {row.number for row in result.invalid_rows})


if __name__ == "__main__":
    facts.run(check)
