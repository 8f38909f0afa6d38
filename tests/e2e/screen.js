// What the browser tests ask of a screen, read in the page itself: what it is made of, what the keyboard must reach, what Tab
// did reach. Loaded by `screen.py`; every function answers plain data.

window.screenTest ??= (() => {
  const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";
  const TYPED = "input:not([type=hidden], [type=checkbox], [type=button], [type=submit]), textarea";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const shown = (el) => el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0;
  const reachable = (el) => !el.disabled && el.type !== "hidden" && el.tabIndex >= 0 && !el.closest("[inert]") && shown(el);
  const main = () => document.querySelector("main");
  /** Radio buttons of one group are one stop. */
  const stopOf = (el) => (el.type === "radio" && el.name ? `radio ${el.form?.action ?? ""} ${el.name}` : el);
  const told = (el) => el.outerHTML.replace(/\s+/g, " ").slice(0, 150);

  function markOf(el) {
    const style = getComputedStyle(el);
    return `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor} ${style.boxShadow}`;
  }
  /** The mark may stand on what surrounds a control: the card of a choice. */
  const around = (el) => [el, el.parentElement, el.parentElement?.parentElement].filter(Boolean);

  let root, due, reached, marks, complaints, first, done;

  function onFocusIn({ target }) {
    if (target === document.body || target === main()) return;
    const stop = stopOf(target);
    if (first === stop && reached.size > 1) done = true;
    if (root !== document && !root.contains(target) && reached.size > 0) done = true;
    if (done) return;
    first ??= stop;
    if (reached.has(stop)) return;
    reached.add(stop);
    const marked = around(target).some((el) => (marks.has(el) ? marks.get(el) !== markOf(el) : !markOf(el).startsWith("none")));
    if (!marked) complaints.add(`no mark of the focus: ${told(target)}`);
  }

  /** Before the next Tab: the browser has scrolled by now, so what hides the control hides it for the person. */
  function onKeyDown() {
    const at = document.activeElement;
    if (!at || at === document.body || at === main() || done) return;
    const seen = [...at.getClientRects()].some((box) => {
      const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
      const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
      if (left >= right || top >= bottom) return false;
      const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return hit && (at.contains(hit) || hit.contains(at) || hit.closest("label")?.control === at);
    });
    if (!seen) complaints.add(`hidden while it has the focus: ${told(at)}`);
  }

  /** An element without its words: its name, classes, attributes, whether it says anything, whether a label names it. */
  function kindOf(el) {
    const name = (at) => (/^(role|aria-(invalid|disabled|sort|expanded|pressed))$/.test(at.name) ? at.name + at.value : at.name);
    const names = [...el.attributes].map(name).filter((word) => word !== "aria-current" || main().contains(el)).sort();
    const says = `${el.textContent.trim() !== ""} ${Boolean(el.labels?.length)}`;
    return `${el.parentElement.tagName} ${el.tagName} ${el.getAttribute("class")} ${el.type} ${names} ${says}`;
  }

  /** The elements of a part that are seen, each with its kind in the kind of what holds it. */
  function placed(part) {
    const root = document.querySelector(part);
    const kinds = new Map();
    const kept = (el) => kinds.get(el) ?? kinds.set(el, kindOf(el)).get(el);
    return [root, ...all("*:not(svg *)", root)]
      .filter((el) => el !== document.body && el.checkVisibility({ visibilityProperty: true }))
      .map((el) => [el, digest([kept(el.parentElement), kept(el)])]);
  }

  /** What only the whole page tells, however often its kinds were looked at: what is named twice, what is named and not there. */
  function namedWrongly() {
    const ids = all("[id]").map((el) => el.id);
    const asked = ["for", "aria-labelledby", "aria-describedby"];
    const named = asked.flatMap((at) => all(`[${at}]`).flatMap((el) => el.getAttribute(at).split(/\s+/).filter(Boolean)));
    return [
      ...new Set(ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `id twice: ${id}`)),
      ...new Set(named.filter((id) => !ids.includes(id)).map((id) => `no element has the id ${id}`)),
    ];
  }

  /** An element with all that is in it, without words: parts made alike, such as the rows of a table, are told once. */
  function structureOf(el) {
    const parts = [...el.children].filter((child) => child !== main() && child.tagName !== "svg").map(structureOf);
    return `${kindOf(el)}(${[...new Set(parts)]})`;
  }

  function digest(words) {
    let hash = 0;
    for (const character of words.join()) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0;
    return hash;
  }

  return {
    /** Which kinds of elements a part shows, each once, and which of them are controls; how what is around the page is made. */
    made(part) {
      const shows = placed(part);
      return {
        kinds: [...new Set(shows.map(([, kind]) => kind))],
        controls: [...new Set(shows.filter(([el]) => el.matches(CONTROLS)).map(([, kind]) => kind))],
        frame: digest([structureOf(document.body)]),
        axe: Boolean(window.axe),
      };
    },
    /** The elements of a part that are of these kinds, without those inside of another one. */
    ofKinds(part, kinds) {
      const wanted = new Set(kinds);
      const found = new Set(placed(part).filter(([, kind]) => wanted.has(kind)).map(([el]) => el));
      const isInside = (el) => el !== null && (found.has(el) || isInside(el.parentElement));
      return [...found].filter((el) => !isInside(el.parentElement));
    },
    /** What every screen must have; how the page itself is made; how what is around it is made. */
    facts() {
      return {
        lang: document.documentElement.lang,
        title: document.title,
        headings: all("h1").filter(shown).length,
        native: all("form").filter((form) => !form.noValidate && form.querySelector("[required], [type=email], [pattern]")).map(told),
        named: namedWrongly(),
        structure: digest([...main().children].map(structureOf)),
        around: digest([structureOf(document.body)]),
      };
    },
    /** How a part is made; the page itself is in it where the part holds it. */
    shapeOf(part) {
      const root = document.querySelector(part);
      return digest([root, main()].filter((el) => root.contains(el)).map(structureOf));
    },
    /** Whether the focus is in the open dialog; between its end and its beginning, browsers leave the page. */
    isInDialog: () => document.activeElement === document.body || Boolean(document.activeElement.closest("dialog[open]")),
    /** Unfold what a person may unfold in the page itself. */
    unfold() {
      for (const details of all("main details:not([open])")) details.open = true;
    },
    /** Begin to watch the focus in the page itself, or in the whole document; answers how many stops there are. */
    watch(whole) {
      root = whole ? document : main();
      document.activeElement?.blur();
      const controls = all(CONTROLS, root).filter(reachable);
      due = new Map(controls.map((el) => [stopOf(el), el]));
      marks = new Map(controls.flatMap(around).map((el) => [el, markOf(el)]));
      [reached, complaints, first, done] = [new Set(), new Set(), undefined, false];
      document.addEventListener("focusin", onFocusIn);
      document.addEventListener("keydown", onKeyDown, true);
      if (!whole) main().focus({ preventScroll: true });
      else document.querySelector("a[href]").focus();
      return due.size;
    },
    /** Whether Tab has come round to where it began, or has left the page itself. */
    isDone: () => done,
    /** Stop watching; answers what is wrong. */
    findings() {
      document.removeEventListener("focusin", onFocusIn);
      document.removeEventListener("keydown", onKeyDown, true);
      const missed = [...due].filter(([stop, el]) => !reached.has(stop) && el.isConnected && reachable(el));
      return [...complaints, ...missed.map(([, el]) => `never reached by Tab: ${told(el)}`)];
    },
    /** Number what opens a dialog, one a dialog; answers how many there are. */
    openers() {
      const asks = all("button[data-confirm]").filter((el) => reachable(el) && el.getAttribute("aria-disabled") !== "true");
      const own = all("[data-dialog], [hx-target='#confirmation-place']").filter(reachable);
      const openers = [...asks.slice(0, 1), ...new Map(own.map((el) => [el.dataset.dialog ?? "fetched", el])).values()];
      openers.forEach((el, at) => { el.dataset.testOpener = at; });
      return openers.length;
    },
    /** Name the tables, lists of cards on a phone, that scroll sideways, with by how much: something in them is cut. */
    cut() {
      const wide = all("main .scroll").filter((el) => el.querySelector(":scope > .datatable--cards") && el.scrollWidth > el.clientWidth + 1);
      return wide.map((el) => `a table is cut by ${el.scrollWidth - el.clientWidth} px: ${el.querySelector("caption")?.textContent.trim()}`);
    },
    /** Number the forms that something is typed or chosen in; answers how many there are. */
    forms() {
      const forms = all("main form").filter((form) => form.method === "post" && all(TYPED, form).some(shown));
      forms.forEach((form, at) => { form.dataset.testForm = at; });
      return forms.length;
    },
    /** Take out all that is typed or chosen in a form, and send it as its first button does, once confirmed. */
    sendEmpty(at) {
      const form = document.querySelector(`[data-test-form="${at}"]`);
      for (const el of form.elements) {
        if (el.type === "checkbox" || el.type === "radio") el.checked = false;
        else if (el.matches("select")) el.selectedIndex = -1;
        else if (el.matches("input:not([type=hidden], [type=file]), textarea")) el.value = "";
      }
      form.requestSubmit(form.querySelector("[type=submit]"));
    },
  };
})();
