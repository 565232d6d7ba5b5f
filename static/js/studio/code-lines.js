// <code-lines> around a textarea: line numbers that scroll along, Tab indents by two spaces,
// links with data-line jump to their line. Without a script the textarea alone works.
class CodeLines extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.area = this.querySelector("textarea");
    this.gutter = document.createElement("pre");
    this.gutter.className = "code-gutter";
    this.gutter.setAttribute("aria-hidden", "true");
    this.prepend(this.gutter);
    this.area.addEventListener("input", () => this.number());
    this.area.addEventListener("scroll", () => { this.gutter.scrollTop = this.area.scrollTop; }, { passive: true });
    this.area.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("[data-line]");
      if (!link) return;
      event.preventDefault();
      this.jump(Number(link.dataset.line), Number(link.dataset.column || 1));
    });
    document.addEventListener("htmx:afterSettle", () => this.mark());
    this.number();
  }

  number() {
    const count = this.area.value.split("\n").length;
    if (count === this.count) return;
    this.count = count;
    this.gutter.replaceChildren(...Array.from({ length: count }, (_, index) => {
      const row = document.createElement("span");
      row.textContent = `${index + 1}\n`;
      return row;
    }));
    this.gutter.scrollTop = this.area.scrollTop;
    this.mark();
  }

  mark() {
    const worst = new Map();
    const rank = ["info", "warning", "error"];
    for (const link of document.querySelectorAll("[data-line][data-severity]")) {
      const line = Number(link.dataset.line);
      if (rank.indexOf(link.dataset.severity) > rank.indexOf(worst.get(line))) worst.set(line, link.dataset.severity);
    }
    for (const [index, row] of [...this.gutter.children].entries()) row.dataset.severity = worst.get(index + 1) ?? "";
  }

  // Tab indents; Escape first lets Tab leave, so that nobody is trapped.
  key(event) {
    if (event.key === "Escape") { this.free = true; return; }
    if (event.key !== "Tab" || this.free || event.ctrlKey || event.altKey || event.metaKey) { if (event.key !== "Shift") this.free = false; return; }
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    event.preventDefault();
    const first = value.lastIndexOf("\n", start - 1) + 1;
    if (event.shiftKey) {
      const spaces = Math.min(2, /^ */.exec(value.slice(first))[0].length);
      if (!spaces) return;
      this.area.setRangeText("", first, first + spaces, "preserve");
    } else {
      this.area.setRangeText("  ", start, end, "end");
    }
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  jump(line, column) {
    const lines = this.area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(start + column - 1, start + (lines[line - 1] ?? "").length);
    const height = this.area.scrollHeight / lines.length;
    this.area.scrollTop = Math.max(0, (line - 4) * height);
  }
}

customElements.define("code-lines", CodeLines);
