/* Sorting of score tables, and the pictures of an evaluation: no library, nothing fetched. */
"use strict";

function element(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
        if (key === "on")
            for (const [event, handler] of Object.entries(value)) e.addEventListener(event, handler);
        else if (value !== null && value !== undefined) e.setAttribute(key, value);
    e.append(...children);
    return e;
}

/* ---- tables ---- */

function sortTable(table, column, button) {
    const body = table.tBodies[0], rows = [...body.rows];
    const falling = button.parentNode.getAttribute("aria-sort") === "ascending";
    const key = row => {
        const cell = row.cells[column], v = cell.dataset.value;
        return v === undefined ? (column === 0 ? cell.textContent : null) : Number(v);
    };
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    button.parentNode.setAttribute("aria-sort", falling ? "descending" : "ascending");
    rows.sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return (x === null) - (y === null);       /* without a value: last */
        return (x < y ? -1 : x > y ? 1 : 0) * (falling ? -1 : 1);
    });
    body.append(...rows);
}

function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((th, column) => {
        if (column > 0 && ![...table.tBodies[0].rows].some(row => row.cells[column].dataset.value !== undefined)) return;
        const button = element("button", { type: "button", title: th.title || null });
        button.append(...th.childNodes);
        button.addEventListener("click", () => sortTable(table, column, button));
        th.append(button);
    });
}

/* ---- pictures ---- */

const AT_ONCE = 12;

function select(label, options, chosen, change) {
    const s = element("select", { on: { change: () => change(s.value) } },
        ...options.map(([value, text]) => element("option", { value }, text)));
    s.value = chosen;
    return element("label", {}, element("span", {}, label), s);
}

class Gallery {
    constructor(root, data) {
        this.data = data;
        this.root = root;
        this.shown = AT_ONCE;
        this.side = {};
        const sortable = data.metrics.findIndex(m => m.better !== 0);
        const [a, b = -1] = this.ranked(Math.max(sortable, 0));
        this.state = { a, b, metric: Math.max(sortable, 0), order: "worst", area: "all", object: "all" };
        this.grid = element("div", { class: "pictures" });
        this.count = element("p", { class: "note", "aria-live": "polite" });
        this.more = element("button", { type: "button", class: "more", on: { click: () => { this.shown += AT_ONCE; this.draw(); } } }, "Show more");
        root.append(this.controls(), this.count, this.grid, this.more);
        this.draw();
    }

    /* Methods by their mean over the pictures here, the best first. */
    ranked(metric) {
        const { methods, metrics, pictures } = this.data, better = (metrics[metric] || {}).better || 0;
        const mean = m => {
            const values = pictures.map(p => this.value(p, m, metric)).filter(v => v !== null);
            return values.length ? better * values.reduce((x, y) => x + y) / values.length : -Infinity;
        };
        const means = methods.map((_, m) => mean(m));
        return methods.map((_, m) => m).sort((x, y) => means[x] === means[y] ? x - y : means[y] > means[x] ? 1 : -1);
    }

    controls() {
        const { data, state } = this;
        const set = key => value => { state[key] = typeof state[key] === "number" ? Number(value) : value; this.shown = AT_ONCE; this.draw(); };
        const side = key => this.side[key] = select(key === "a" ? "left" : "right", key === "a" ? methods : [[-1, "truth"], ...methods], state[key], set(key));
        const methods = data.methods.map((m, i) => [i, m]);
        const bins = [...new Set(data.pictures.filter(p => p.area !== null).map(p => Math.min(9, Math.floor(p.area * 10))))].sort((x, y) => x - y);
        const objects = [...new Set(data.pictures.map(p => p.object).filter(o => o))].sort();
        const row = element("div", { class: "controls" },
            side("a"), side("b"),
            select("by", data.metrics.map((m, i) => [i, m.name]), state.metric, set("metric")),
            select("first", [["worst", "left at its worst"], ["best", "left at its best"], ["loses", "left loses most to right"], ["wins", "left wins most"], ["id", "name"]],
                state.order, set("order")));
        if (bins.length > 1)
            row.append(select("hole", [["all", "any size"], ...bins.map(b => [b, `${b * 10} to ${b * 10 + 10} %`])], "all", set("area")));
        if (objects.length > 1)
            row.append(select("object", [["all", "any"], ...objects.map(o => [o, o])], "all", set("object")));
        return row;
    }

    value(picture, method, metric) { return method < 0 || metric >= this.data.metrics.length ? null : picture.values[method][metric]; }

    /* Greater is shown first; null comes last. */
    key(picture) {
        const { a, b, metric, order } = this.state, better = (this.data.metrics[metric] || {}).better || 1;
        const left = this.value(picture, a, metric), right = this.value(picture, b, metric);
        if (left === null) return null;
        if (order === "worst") return -better * left;
        if (order === "best") return better * left;
        if (right === null) return null;
        return (order === "wins" ? 1 : -1) * better * (left - right);
    }

    visible() {
        const { area, object, order } = this.state;
        const list = this.data.pictures.filter(p =>
            (area === "all" || p.area !== null && Math.min(9, Math.floor(p.area * 10)) === Number(area)) && (object === "all" || p.object === object));
        if (order === "id") return list.sort((x, y) => x.id < y.id ? -1 : 1);
        const keyed = list.map(p => [this.key(p), p]);
        keyed.sort(([x], [y]) => x === null || y === null ? (x === null) - (y === null) : y - x);
        return keyed.map(([, p]) => p);
    }

    image(picture, method) { return method < 0 ? picture.truth : picture.images[method]; }
    name(method) { return method < 0 ? "truth" : this.data.methods[method]; }

    slider(picture) {
        const { a, b } = this.state;
        const over = element("img", { src: this.image(picture, a), alt: `${picture.id}, ${this.name(a)}`, class: "over" });
        const under = element("img", { src: this.image(picture, b), alt: `${picture.id}, ${this.name(b)}` });
        const box = element("div", { class: "slide" }, under, over);
        const range = element("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": `${this.name(a)} to the left, ${this.name(b)} to the right`,
            on: { input: () => box.style.setProperty("--at", `${range.value}%`) } });
        box.append(range);
        return box;
    }

    small(src, text) { return src ? element("figure", {}, element("img", { src, alt: text, loading: "lazy" }), element("figcaption", {}, text)) : ""; }

    /* Where a method's small picture is clicked, it is what the slider has on the left, or with shift on the right; the truth goes to the right. */
    pick(method, right) {
        const key = right || method < 0 ? "b" : "a", choice = this.side[key].querySelector("select");
        choice.value = method;
        choice.dispatchEvent(new Event("change"));
    }

    choice(picture, method) {
        const figure = this.small(this.image(picture, method), this.name(method));
        if (!figure) return "";
        const { a, b } = this.state, side = method === a ? "left" : method === b ? "right" : null;
        const button = element("button", { type: "button", class: side, title: method < 0 ? "truth: click puts it on the right" : `${this.name(method)}: click puts it on the left, with shift on the right`,
            on: { click: event => this.pick(method, event.shiftKey) } });
        button.append(...figure.childNodes);
        figure.append(button);
        return figure;
    }

    card(picture) {
        const { a, b, metric } = this.state, { digits, name } = this.data.metrics[metric] || { digits: 0, name: "" };
        const told = m => { const v = this.value(picture, m, metric); return v === null ? "" : ` ${v.toFixed(digits)}`; };
        const usable = this.image(picture, a) && this.image(picture, b);
        return element("article", {},
            usable ? this.slider(picture) : element("p", { class: "note" }, "not kept"),
            element("p", { class: "values" }, element("b", {}, this.name(a)), told(a), element("span", { class: "versus" }, " | "), element("b", {}, this.name(b)), told(b)),
            element("div", { class: "row" }, this.small(picture.known, "input"), this.small(picture.mask, "mask"), this.choice(picture, -1),
                ...this.data.methods.map((_, method) => this.choice(picture, method))),
            picture.prompt ? element("p", { class: "prompt" }, `“${picture.prompt}”`) : "",
            element("p", { class: "id" }, [picture.id, picture.object, isNaN(parseFloat(picture.area)) ? "" : `hole ${(picture.area * 100).toFixed(0)} %`,
                name ? `by ${name}` : ""].filter(t => t).join(", ")));
    }

    draw() {
        const list = this.visible(), { data } = this;
        this.grid.replaceChildren(...list.slice(0, this.shown).map(p => this.card(p)));
        this.more.hidden = list.length <= this.shown;
        this.count.textContent = `${Math.min(this.shown, list.length)} of ${list.length} pictures`
            + (data.of > data.pictures.length ? `; this page holds ${data.pictures.length} of ${data.of}: the worst, the best and some between.` : ".");
    }
}

for (const table of document.querySelectorAll("table.scores")) makeSortable(table);
for (const root of document.querySelectorAll(".gallery"))
    new Gallery(root, JSON.parse(root.querySelector("script").textContent));
