"""What the back office's screens share: entry and addresses checked, writing through services, one way to search."""

from __future__ import annotations

from typing import Any

from flask import abort, after_this_request, flash, g, make_response, redirect, request
from flask_appbuilder import ModelView, expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.hooks import before_request
from flask_appbuilder.security.decorators import has_access
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from app.services.core.refusal import Refusal
from app.services.reference import writing as reference_writing
from app.services.reference.rules import Refused
from app.views.shell.base import Screen

from . import export
from .rows import Question, Rows, asked_text
from .widgets import FORM_WIDGET, BackOfficeSearch

READ_ONLY = {"list", "show", "home", "export"}
#: More lines would make a page nobody reads, and seconds of work.
MAX_PAGE_SIZE = 100
#: What the address writes before the name of a question.
ASKED = "_flt_0_"
LARGEST_ID = 2**31 - 1
NOT_FOUND = "Cette fiche n’existe pas."
METHODS = {
    "export": "read",
    "list": "read",
    "show": "read",
    "home": "read",
    "add": "write",
    "edit": "write",
    "delete": "write",
}


class BackOfficeView(Screen, ModelView):  # type: ignore[misc]
    """A list, its cards and its forms. Columns are named one by one; nothing is drawn or searched that is not."""

    datamodel: Rows
    label_columns: dict[str, str]
    page_size = 50
    method_permission_name = METHODS
    exclude_route_methods = {"download", "action", "action_post"}
    #: Columns of a relation that a related list's « Ajouter » fills: name in the address → field of the form.
    prefilled: dict[str, str] = {}
    add_widget = edit_widget = FORM_WIDGET
    search_widget = BackOfficeSearch
    add_template, edit_template = "crud/add.html", "crud/edit.html"
    add_form = edit_form = DynamicForm
    #: One of the long lists that `services.reporting.exports` writes; empty: the list's own columns are written.
    sheet = ""
    #: The list holds the current centre's rows alone.
    of_centre = False
    #: The word of a deletion that has a page of its own, where its reason is asked; empty: a confirmation is enough.
    removal = ""

    def __init__(self, **kwargs: Any) -> None:
        self.search_columns = list(self.datamodel.questions)
        labels = {name: question.label for name, question in self.datamodel.questions.items()}
        self.label_columns = {**self.label_columns, **labels}
        self.search_form = search_form(self.datamodel.questions)
        super().__init__(**kwargs)

    @before_request
    def refuse_odd_addresses(self) -> None:
        """Answer what no link of ours says (ids, orders, sizes, filters) before it becomes a failure."""
        pk = (request.view_args or {}).get("pk")
        if pk is not None and not is_id(pk):
            abort(404, NOT_FOUND)
        views = {type(view).__name__: view for view in (self, *self._related_views)}
        for name, value in request.args.items(multi=True):
            head, _, view_name = name.partition("_") if name.startswith("psize_") else name.rpartition("_")
            view = views.get(view_name)
            if head == "_oc" and (view is None or value not in view.order_columns):
                abort(400, "Cette liste ne se trie pas sur cette colonne.")
            if head == "_od" and value not in ("asc", "desc"):
                abort(400, "Cette liste ne se trie pas dans cet ordre.")
            if head == "psize" and not 0 < int(value) <= MAX_PAGE_SIZE:
                abort(400, f"Une page compte 1 à {MAX_PAGE_SIZE} lignes.")
            if name.startswith("_flt_") and not self._is_asked(name):
                abort(400, "Cette liste ne se filtre pas ainsi.")

    def _is_asked(self, name: str) -> bool:
        """Tell whether a filter of the address is a question of the list, asked once; forms are filled by others too."""
        question = name.removeprefix(ASKED)
        if question == name:
            return False
        narrows = (request.endpoint or "").endswith((".list", ".export"))
        return not narrows or (question in self.datamodel.questions and len(request.args.getlist(name)) == 1)

    def _faults(self) -> dict[str, str]:
        """Return question → what is wrong with what the address asks of it; kept for the page, whose status it is."""
        asked = {name: asked_text(request.args.get(f"{ASKED}{name}", "")) for name in self.datamodel.questions}
        faults = {name: self.datamodel.questions[name].fault(text) for name, text in asked.items() if text}
        g.search_faults = {name: fault for name, fault in faults.items() if fault}
        if g.search_faults:
            _answer_as_refused()
        return g.search_faults  # type: ignore[no-any-return]

    def _list(self, **kwargs: Any) -> dict[str, Any]:
        """Return the list with its search; a search that is faulty finds nothing and says why at its field."""
        self._faults()
        return dict(super()._list(**kwargs))

    def name_of(self, item: Any) -> str:
        """Return what a row is called: the heading of its card, and what tells its tab from others."""
        return str(item)

    def _show(self, pk: str) -> dict[str, Any]:
        """Return the card of a row, which bears its name."""
        g.record_name = self.name_of(self._item_or_404(pk))
        return dict(super()._show(pk))

    @expose("/")
    @has_access
    def home(self) -> Response:
        """Lead to the list: the short address is the one people type."""
        return redirect(self.get_default_url())

    @expose("/export.<any(xlsx, csv):kind>")
    @has_access
    def export(self, kind: str) -> Response:
        """Send the list as it is narrowed, as a file; a list too long to wait for is made by the worker.

        Where the search is faulty no file is made: the list says why, at the field.
        """
        return make_response(self.list()) if self._faults() else export.answer(self, kind)

    def _add(self) -> dict[str, Any] | None:
        """Show the form, or write a new row: None once it is written."""
        form = self.add_form.refresh()
        if request.method == "POST":
            item = self.datamodel.obj()
            if form.validate() and self._save(form, item, self.add_columns):
                flash(self.said_after_add(form, item), "success")
                g.led_after_add = self.led_after_add(form, item)
                return None
            return as_refused(self._get_add_widget(form=form))
        self._prefill(form)
        self.update_redirect()
        return dict(self._get_add_widget(form=form))

    def said_after_add(self, form: DynamicForm, item: Any) -> str:
        """Return what is said of a row just written."""
        return str(self.add_row_message)

    def said_after_edit(self, form: DynamicForm, item: Any) -> str:
        """Return what is said of a row just changed."""
        return str(self.edit_row_message)

    def led_after_add(self, form: DynamicForm, item: Any) -> str:
        """Return the address to lead to after a row was written; '' for the page one came from."""
        return ""

    def post_add_redirect(self) -> Response:
        """Lead to where the new row is to be seen."""
        return redirect(g.led_after_add) if g.led_after_add else super().post_add_redirect()

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Response | str:
        """Show or write a row; its related lists stand on its card."""
        widgets = self._edit(pk)
        if widgets is None:
            return self.post_edit_redirect()  # type: ignore[no-any-return]
        page: str = self.render_template(self.edit_template, title=self.edit_title, widgets=widgets, related_views=[])
        return page

    def _edit(self, pk: str) -> dict[str, Any] | None:
        """Show the form, or write the row: None once it is written."""
        item = self._item_or_404(pk)
        g.record_name = self.name_of(item)
        if request.method == "POST":
            form = self.edit_form.refresh(obj=item)
            if form.validate() and self._save(form, item, self.edit_columns):
                flash(self.said_after_edit(form, item), "success")
                return None
            return as_refused(self._get_edit_widget(form=form))
        self.update_redirect()
        return dict(self._get_edit_widget(form=self.edit_form.refresh(obj=item)))

    def _delete(self, pk: str) -> None:
        """Delete a row nothing leans on, or say why it stays."""
        try:
            reference_writing.remove(self._item_or_404(pk), g.user.id)
        except Refusal as refusal:
            flash(refusal.message, "danger")
        else:
            flash(self.delete_row_message, "success")
        self.update_redirect()

    def _item_or_404(self, pk: str) -> Any:
        return self.datamodel.get(pk, self._base_filters) or abort(404, NOT_FOUND)

    def _save(self, form: DynamicForm, item: Any, columns: list[str]) -> bool:
        """Hand the form's values to the service; put what it refuses on the field it names."""
        try:
            reference_writing.save(item, {name: form[name].data for name in columns}, g.user.id)
        except Refused as refused:
            if refused.field in form:
                form[refused.field].errors = [refused.message]
            else:
                form.form_errors = [refused.message]
            return False
        return True

    def _prefill(self, form: DynamicForm) -> None:
        for name, field in self.prefilled.items():
            value = request.args.get(f"{ASKED}{name}", "")
            if is_id(value) and field in form:
                form[field].data = int(value)


def is_id(text: str) -> bool:
    """Tell whether a text may be the id of a row."""
    return text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) <= LARGEST_ID


def search_form(questions: dict[str, Question]) -> type[DynamicForm]:
    """Return the form whose fields ask these questions."""
    fields: dict[str, Any] = {
        name: SelectField(question.label, choices=question.choices) if question.choices else StringField(question.label)
        for name, question in questions.items()
    }
    return type("SearchForm", (DynamicForm,), fields)


def as_refused(widgets: Any) -> dict[str, Any]:
    """Return the page of a form that was refused, sent as 422."""
    _answer_as_refused()
    return dict(widgets)


def _answer_as_refused() -> None:
    @after_this_request
    def _status(response: Response) -> Response:
        response.status_code = 422
        return response
